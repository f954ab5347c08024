"""Two questions for every notebook, each to be answered before a result is seen.

A question is a row: its text, a measure that finds out from the runs shown what is right, so that it is true for
whatever was trained, and its choices. Each has a sentence for the student who made it: what one would see if it were
so, and where to look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labutils import augment, lab
from labutils.errors import ParameterError
from labutils.evaluate.compare import fisher, mcnemar
from labutils.evaluate.curves import WINDOW, epochs_to_reach, gap_by_image, overfitting_epoch, train_curve
from labutils.evaluate.findings import known
from labutils.evaluate.metrics import accuracy
from labutils.evaluate.rules import BETTER, IS, OVERFITS, SIGNIFICANT, WORSE
from labutils.models import describe
from labutils.runs.store import find, lab_store

if TYPE_CHECKING:
    from labutils.runs.run import Run

Runs = Mapping[str, "Run"]
Values = Callable[[Runs], dict[str, float]]

POINT = 0.01
"""Accuracies closer than this are called equal in a question: one point."""
LEARNED = 0.6
"""A validation accuracy, of two classes, that guessing does not reach."""


class Found(NamedTuple):
    """The right choice, an index from 0, the numbers that say so, and choices that are as right (a tie)."""

    choice: int
    because: str
    equal: tuple[int, ...] = ()

    def accepts(self, choice: int) -> bool:
        """Whether a choice is right."""
        return choice == self.choice or choice in self.equal

    def in_words(self, choices: Sequence[str]) -> str:
        """`These runs show: AlexNet, and as much VGG16.`"""
        also = "".join(f", and as much {choices[i]}" for i in self.equal)
        return f"These runs show: {choices[self.choice]}{also}."


@dataclass(frozen=True)
class Question:
    """A question with its choices, each with its feedback.

    `measure` gets the runs that the question needs: those of `labels`, or else of the choices that are labels of runs.
    """

    task: str
    number: int
    text: str
    measure: Callable[[Runs], Found | None]
    choices: Mapping[str, str]
    labels: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The labels of the runs that answer it, in order."""
        return self.labels or tuple(choice for choice in self.choices if choice in lab.runs(self.task))

    def answer(self, runs: Runs) -> Found | None:
        """The right choice for these runs; None if one that is needed is not among them, or nothing is known."""
        if set(self.needs) - set(runs):
            return None
        return self.measure({label: runs[label] for label in self.needs})


def find_question(task: str, number: int) -> Question:
    """A question by its notebook and number, from 1; a ParameterError if there is none."""
    if (task, number) not in QUESTIONS:
        raise ParameterError(f"{task} has no question {number}: each notebook from task1b to task9 has 1 and 2.")
    return QUESTIONS[task, number]


def plainly_named(task: str, runs: Runs | None) -> Runs:
    """A notebook's runs, or the lab's stored ones without any, small ones by the labels of those they stand in for."""
    found = find(lab.runs(task), small=True, among=lab_store()) if runs is None else runs
    return {label.removesuffix(lab.SMALL_LABEL): run for label, run in found.items()}


# What is measured, of each run.


def _each(measure: Callable[[Run], Any]) -> Values:
    return lambda runs: {label: float(measure(run)) for label, run in runs.items()}


_top = _each(lambda run: run.history["val_accuracy"].max())
_best_epoch = _each(lambda run: run.best_epoch + 1)
_lowest_loss = _each(lambda run: run.history["val_loss"][run.lowest_loss_epoch])
_lowest_loss_epoch = _each(lambda run: run.lowest_loss_epoch + 1)
_parameters = _each(lambda run: describe(run.config).parameters)
_training_at_the_end = _each(lambda run: run.history["accuracy"][-10:].mean())


def _gap(runs: Runs) -> dict[str, float]:
    """As the notebooks' table of gaps measures it."""
    curve = train_curve(*runs.values())
    return _each(lambda run: gap_by_image(run, curve).mean())(runs)


def _reaching(value: float, runs: Runs, curve: str = "val_accuracy") -> dict[str, float]:
    return _each(lambda run: epochs_to_reach(run.history, value, curve) or np.inf)(runs)


_learning = partial(_reaching, LEARNED)
_three = "{:.3f}".format


def _epoch(value: float) -> str:
    return "never" if np.isinf(value) else f"epoch {value:.0f}"


# How the right choice comes of it.


def _extreme(values: Values, shown: Callable[[float], str], runs: Runs, largest: bool = False) -> Found:
    """The first run with the smallest value, or the largest; what is shown as the same number is as right."""
    found = values(runs)
    wanted = shown((max if largest else min)(found.values()))
    right, *equal = [i for i, value in enumerate(found.values()) if shown(value) == wanted]
    because = "; ".join(f"{label.removeprefix('LeNet ')}: {shown(value)}" for label, value in found.items()) + "."
    return Found(right, because, tuple(equal))


_highest = partial(_extreme, largest=True)


def _compared(
    values: Values,
    runs: Runs,
    within: float = POINT,
    lower: bool = False,
    shown: Callable[[float], str] = _three,
    names: tuple[str, ...] = (),
) -> Found:
    """0 if the first is higher by more than `within`, or lower if `lower`; 1 if the second is; 2 if they are equal."""
    one, other = values(runs).values()
    first, second = names or runs
    # Five more digits than are shown: .865 and .855 differ by one point, whatever a computer makes of that.
    same = one == other or round(abs(one - other), 8) <= within
    choice = 2 if same else int((other < one) if lower else (other > one))
    return Found(choice, f"{first}: {shown(one)}; {second}: {shown(other)}.")


_lower = partial(_compared, lower=True)
_earlier = partial(_compared, within=0, lower=True, shown=_epoch)
_later = partial(_compared, within=0, shown=_epoch)


def _paired(runs: Runs) -> Found:
    """0 or 1 for the better of two by McNemar's test at their best epochs, 2 if it may be chance."""
    (first, one), (second, other) = _top(runs).items()
    p = mcnemar(runs[first], runs[second]).p
    choice = 2 if p >= SIGNIFICANT else int(other > one)
    return Found(choice, f"{first}: {one:.3f}; {second}: {other:.3f}; McNemar's p = {p:.3f}.")


def _against_simple(runs: Runs) -> Found | None:
    """0 if the best network wins against the better simple model, 1 if it loses, 2 if that may be chance."""
    from labutils.audit.against import against_simple

    if not (findings := against_simple(runs).findings):
        return None
    return Found({BETTER: 0, WORSE: 1}.get(findings[0].word, 2), f"{findings[0].evidence}.")


def _nearest(value: float, guesses: Sequence[float]) -> int:
    return int(np.argmin([abs(np.log(value / guess)) for guess in guesses]))


def _times_the_parameters(runs: Runs) -> Found:
    narrow, wide = _parameters(runs).values()
    times = wide / narrow
    return Found(_nearest(times, (2, 4, 8)), f"{narrow:,.0f} and {wide:,.0f} parameters: {times:.1f} times.")


def _narrower_gap(runs: Runs) -> Found:
    without, with_it = _gap(runs).values()
    choice = 0 if without - with_it > 2 * POINT else 2 if without - with_it < -2 * POINT else 1
    return Found(choice, f"Gap without dropout {without:.3f}, with it {with_it:.3f}.")


def _other_images(runs: Runs) -> Found:
    p, (skin, bone) = fisher(runs["Bone"], runs["Skin"]), _top(runs).values()
    choice = 2 if bone <= skin else int(p >= SIGNIFICANT)
    return Found(choice, f"Bone: {bone:.3f}; Skin: {skin:.3f}; Fisher's p = {p:.3f}.")


def _width(runs: Runs) -> Found:
    [run] = runs.values()
    estimate = accuracy(run)
    width = estimate.high - estimate.low
    because = f"{estimate} on {len(run.y_val)} images: {100 * width:.1f} points."
    return Found(_nearest(width, (0.02, 0.05, 0.10)), because)


def _silence(runs: Runs) -> Found:
    [run] = runs.values()
    n = len(run.class_names)
    return Found(_nearest(1 - 1 / n, (0.11, 0.5, 0.89)), f"{n - 1} of {n} entries are no: {1 - 1 / n:.3f}.")


def _overfits(run: Run) -> tuple[bool | None, str]:
    """Whether a run over-fits, None where it cannot be told, and why: as the notebooks' sentences find it."""
    if run.epochs <= WINDOW:
        return None, f"has too few epochs: {run.epochs}"
    finding = known("over-fitting", run, limits=(OVERFITS,))
    return finding.holds(IS), f"ends {finding.estimate} above its minimum"


def _who_overfits(runs: Runs) -> Found:
    """Where a run cannot be told, every choice that agrees with the other is as right."""
    found = {label: _overfits(run) for label, run in runs.items()}
    choices = {(True, False): 0, (True, True): 1, (False, False): 2, (False, True): 3}
    told = [says for says, _ in found.values()]
    right, *equal = sorted(
        choices[pair] for pair in choices if all(says in (None, own) for says, own in zip(told, pair, strict=True))
    )
    said = (f"{label}: {'cannot be told, ' if says is None else ''}{why}" for label, (says, why) in found.items())
    return Found(right, "; ".join(said) + ".", tuple(equal))


def _overfits_when(runs: Runs) -> Found:
    [run] = runs.values()
    (says, why), epoch = _overfits(run), overfitting_epoch(run.history)
    late = int((epoch or 1) >= 80)
    begins = f"; smoothed, from epoch {epoch} on" if epoch and says is not False else ""
    because = f"{'It cannot be told: it' if says is None else 'It'} {why}{begins}."
    return Found(2 if says is False or not epoch else late, because, (2,) if says is None and epoch else ())


def _catches_up(runs: Runs) -> Found:
    plain, *_ = runs.values()
    goal = float(np.max(plain.history["accuracy"]))
    before, after = _reaching(goal, runs, "accuracy").values()
    choice = 0 if after <= before / 2 else 1 if after < before else 2
    return Found(choice, f"Training accuracy {goal:.3f}: plain {_epoch(before)}, batch norm {_epoch(after)}.")


def _gained_late(runs: Runs) -> Found:
    [run] = runs.values()
    curve = run.history["val_accuracy"]
    before, after = float(np.max(curve[:150])), float(np.max(curve))
    choice = 0 if after <= before else 1 if after - before <= 2 * POINT else 2
    return Found(choice, f"Best of the first 150 epochs: {before:.3f}; of all {len(curve)}: {after:.3f}.")


def _flipped_twice(runs: Runs) -> Found:
    image = np.arange(16.0).reshape(4, 4) / 16
    twice = augment.flip_vertical(augment.flip_horizontal(image))
    same = [bool(np.allclose(twice, augment.rotate(image, angle), atol=1e-6)) for angle in (90, 180)]
    return Found(same.index(True) if any(same) else 2, "Tried on a picture of sixteen different pixels.")


def _turned_back(runs: Runs) -> Found:
    image = np.random.default_rng(0).uniform(0, 1, (33, 33))
    lost = np.abs(augment.rotate(augment.rotate(image, 40), -40) - image)
    down, right = np.mgrid[-16:17, -16:17]
    inside = float(lost[down**2 + right**2 < 12**2].mean())
    outside = float(lost[down**2 + right**2 >= 12**2].mean())
    choice = 2 if inside > POINT else 1 if outside > POINT else 0
    return Found(choice, f"Mean difference on a picture of noise: {inside:.2f} inside a circle, {outside:.2f} outside.")


def _where_it_ends(runs: Runs) -> Found:
    [end] = _training_at_the_end(runs).values()
    return Found(0 if end > 0.97 else 1 if end >= 0.9 else 2, f"Mean of the last ten epochs: {end:.3f}.")


def _five_points(runs: Runs) -> Found:
    [run] = runs.values()
    n = len(run.y_val)
    errors = int(np.ceil(0.05 * n))
    return Found(0 if errors <= 2 else 1 if errors <= 9 else 2, f"5 % of {n} images: {errors} errors.")


QUESTIONS: dict[tuple[str, int], Question] = {}
"""All questions by notebook and number."""


def _row(
    task: str, text: str, measure: Callable[[Runs], Found | None], choices: Mapping[str, str], *labels: str
) -> None:
    """Enter a question; the choices carry their feedback."""
    number = 1 + sum(own == task for own, _ in QUESTIONS)
    QUESTIONS[task, number] = Question(task, number, text, measure, choices, labels)


_row(
    "task1b",
    "Which validation loss is the first to reach its lowest point?",
    partial(_extreme, _lowest_loss_epoch, _epoch),
    {
        "lr 1e-4": "Large steps arrive early: the minimum of the solid loss curve would lie far to the left in the "
        "first column.",
        "lr 1e-5": "If the middle rate were first, the high rate's loss would still be falling where this one turns.",
        "lr 1e-6": "A curve that falls slowly has its lowest point at its end: look where the third column stops.",
    },
)
_row(
    "task1b",
    "On the exam: the best of these networks, or forty simple numbers of each image?",
    _against_simple,
    {
        "VGG16": "Then it finds more in a lesion than brightness and texture say: its dot stands to the right.",
        "the forty numbers": "Then they say more than a thousand images have taught the network: their diamond stands "
        "to the right of its dot.",
        "the difference may be chance": "Then the interval of the difference reaches to both sides of zero.",
    },
    "lr 1e-4",
    "lr 1e-5",
    "lr 1e-6",
)
_row(
    "task1c",
    "Both at their best epoch, on the same images: which network is better, by more than chance?",
    _paired,
    {
        "AlexNet": "Then it would be right alone on clearly more images than VGG16: see the paired table.",
        "VGG16": "Then depth has paid: the paired table would show far more images that only VGG16 gets right.",
        "the difference may be chance": "Then the images that only one of them gets right are split as tosses of a "
        "coin might split them.",
    },
)
_row(
    "task1c",
    f"Which network is the first to reach a validation accuracy of {LEARNED}?",
    partial(_earlier, _learning),
    {
        "AlexNet": "Fewer layers pass the gradient on more directly: its solid curve would leave 0.5 further to the "
        "left.",
        "VGG16": "Then thirteen layers did not delay it: its solid curve would leave 0.5 before that of AlexNet.",
        "both in the same epoch": "Then the two curves would leave the level of guessing together.",
    },
)
_row(
    "task1d",
    "Twice the filters in every block: how many times the parameters?",
    _times_the_parameters,
    {
        "about twice": "That would be so if only the outputs of a layer doubled: its inputs do as well.",
        "nearly four times": "Inputs and outputs of a convolution double, so its weights are multiplied by four; the "
        "last layers keep it below that.",
        "about eight times": "A window has the same nine positions as before: only channels are multiplied.",
    },
    "b8",
    "b16",
)
_row(
    "task1d",
    "Over the last ten epochs, which run has the lowest training accuracy as it goes by (the dashed line)?",
    partial(_extreme, _training_at_the_end, _three),
    {
        "b8": "The fewest filters have the least room: then its dashed curve would end below the other two.",
        "b16": "It has the most room and nothing in its way: its dashed curve would have to end lowest all the same.",
        "b16, dropout 0.2": "It is measured while a fifth of the dense units is missing: look for the dashed curve "
        "below the solid one.",
    },
)
_row(
    "task1e",
    "Which network has the most parameters?",
    partial(_highest, _parameters, "{:,.0f}".format),
    {
        "LeNet": "It halves the image only twice, so its dense layer reads a large map: look at where its parameters "
        "are.",
        "AlexNet": "It halves the image three times: its dense layer reads a map a quarter as large as LeNet's.",
        "VGG16": "Thirteen convolutions sound like more, but each has few weights; five halvings leave a small map.",
    },
)
_row(
    "task1e",
    f"Which network is the last to reach a validation accuracy of {LEARNED}?",
    partial(_highest, _learning, _epoch),
    {
        "LeNet": "Then two convolutions learn more slowly than thirteen: its solid curve would stay longest at 0.5.",
        "AlexNet": "Then the network in the middle would be the slowest: compare where the solid curves leave 0.5.",
        "VGG16": "Many layers without normalization begin slowly: its solid curve would stay longest at 0.5.",
    },
)
_row(
    "task2",
    "What does dropout 0.2 do to the gap of the narrow network (b8) over the last ten epochs?",
    _narrower_gap,
    {
        "narrows it by more than 2 points": "Then in the table of gaps its row shows clearly less than the first.",
        "changes it by less than 2 points": "Then a fifth of the units missing is not enough to hinder learning by "
        "heart, or there is hardly a gap to narrow.",
        "widens it by more than 2 points": "Then validation suffers more from dropout than training: compare the solid "
        "lines of the first two columns.",
    },
    "b8",
    "b8, dropout 0.2",
)
_row(
    "task2",
    "Which of the four runs has the lowest validation loss at any epoch?",
    partial(_extreme, _lowest_loss, _three),
    {
        "b8": "Then neither width nor dropout helps: the lowest solid loss would be in the first column.",
        "b8, dropout 0.2": "Then dropout helps the narrow network more than width would: look at the second column.",
        "b16": "Then twice the filters find more, without any hindrance: look at the third column.",
        "b16, dropout 0.2": "Then the room of the wide network pays once it cannot learn by heart: look at the last "
        "column.",
    },
)
_row(
    "task3",
    "Is Bone classified better than Skin?",
    _other_images,
    {
        "yes, by more than chance": "Then Bone's accuracy is the higher one, and Fisher's test gives a small p.",
        "yes, but that may be chance": "Then Bone's accuracy is the higher one, and Fisher's p is not below .05.",
        "no": "Then Skin's accuracy would be at least as high: compare the peaks of the solid curves.",
    },
    "Skin",
    "Bone",
)
_row(
    "task3",
    "How wide, from end to end, is the 95 % interval of Skin's best accuracy?",
    _width,
    {
        "about 2 points": "That takes thousands of images: in the table of intervals look for a width of 0.02.",
        "about 5 points": "That takes about a thousand images: compare with the number of validation images above.",
        "about 10 points": "That is what a few hundred images give: two networks five points apart may be equal.",
    },
    "Skin",
)
_row(
    "task4",
    "A network that says no to every class of every image: what is its element-wise accuracy?",
    _silence,
    {
        "0.11": "That is the accuracy of guessing one class of nine: here every entry counts, not every image.",
        "0.50": "Yes and no are not equally frequent: in each row of nine only one entry is a yes.",
        "0.89": "In each row of nine it is right eight times: an accuracy of .89 may be no better than silence.",
    },
    "LeNet (1) lr 1e-5",
)
_row(
    "task4",
    "LeNet at three rates: which one has the lowest categorical accuracy at its best epoch?",
    partial(_extreme, _top, _three),
    {
        "(1) lr 1e-5": "Then both larger and smaller steps would do better: compare the peaks of the first, third and "
        "fourth column.",
        "(3) lr 1e-4": "Then the large steps would not arrive anywhere: its curve would jump instead of rising.",
        "(4) lr 1e-6": "Then the epochs are over before it has arrived: its curve still rises at the end.",
    },
    "LeNet (1) lr 1e-5",
    "LeNet (3) lr 1e-4",
    "LeNet (4) lr 1e-6",
)
_row(
    "task5a",
    "Over the last ten epochs, which network has the higher training accuracy, measured while it trains (dashed)?",
    partial(_compared, _training_at_the_end),
    {
        "no dropout": "Nothing hinders it from learning by heart: its dashed line would end above the other.",
        "dropout 0.4": "Then missing units would help on the training images: its dashed line would end above the "
        "other.",
        "both the same, within a point": "Then dropout has not hindered it: both dashed lines end at the same height.",
    },
)
_row(
    "task5a",
    "Whose validation loss ends well above its own minimum, that is, which run over-fits?",
    _who_overfits,
    {
        "only without dropout": "Then the solid loss turns upwards in the first picture only.",
        "both": "Then dropout does not prevent it: look for the turn in both pictures of the loss.",
        "neither": "Then both solid losses end near their lowest point.",
        "only with dropout": "Then leaving units out would make it worse: the turn is in the second picture only.",
    },
    "no dropout",
    "dropout 0.4",
)
_row(
    "task5b",
    "Batch normalization needs how many epochs for the highest training accuracy of the plain network?",
    _catches_up,
    {
        "at most half as many": "Then its dashed line crosses that height in the left half of the figure.",
        "fewer, but more than half": "Then it is faster, and not by much: the dashed lines run side by side.",
        "as many or more, or never": "Then normalizing small batches costs more than it gains.",
    },
    "no dropout",
    "batch norm",
)
_row(
    "task5b",
    "Which run has the widest gap between training and validation over the last ten epochs?",
    partial(_highest, _gap, _three),
    {
        "no dropout": "Then the plain network learns by heart more than the faster one: see the first row of the table "
        "of gaps.",
        "dropout 0.4": "Then dropout would not do what it is for: see the second row of the table of gaps.",
        "batch norm": "Whoever learns faster also learns by heart faster: see the third row of the table of gaps.",
        "batch norm, dropout 0.4": "Then normalization outdoes what dropout prevents: see the last row of the table of "
        "gaps.",
    },
)
_row(
    "task5c",
    "Which run has the lower validation loss at its lowest point?",
    partial(_lower, _lowest_loss),
    {
        "no batch norm": "Then eighty slow epochs were enough: its solid loss would come down further.",
        "batch norm": "Then the larger effective steps pay at this small rate: its solid loss would come down further.",
        "both the same, within 0.01": "Then normalization changes how fast the loss falls, and not how far.",
    },
)
_row(
    "task5c",
    "And the accuracy at the best epochs: which is higher, by more than chance?",
    _paired,
    {
        "no batch norm": "Then the images that only this run gets right would clearly outnumber the others.",
        "batch norm": "Then the paired table would show far more images that only the normalized network gets right.",
        "the difference may be chance": "Then the images that only one of them gets right are split as tosses of a "
        "coin might split them; the loss is another question.",
    },
)
_row(
    "task5d",
    "From which epoch on does the normalized network over-fit?",
    _overfits_when,
    {
        "before epoch 80": "Then Task 5C has already seen it: the smoothed loss leaves its minimum before the middle.",
        "at epoch 80 or later": "Then it is the additional epochs that spoil it: the turn lies in the right half.",
        "never": "Then its solid loss ends near its lowest point.",
    },
    "batch norm",
)
_row(
    "task5d",
    "Which run has its best validation accuracy later?",
    partial(_later, _best_epoch),
    {
        "no batch norm": "Then it still finds better epochs when the other has had its best: look for the peaks of the "
        "solid lines.",
        "batch norm": "Then the normalized network goes on finding better epochs, loss or no loss.",
        "both in the same epoch": "Then the peaks of both solid lines lie above each other.",
    },
)
_row(
    "task6a",
    "Which run is the first to reach a validation accuracy of 0.75?",
    partial(_earlier, partial(_reaching, 0.75), names=("without", "with")),
    {
        "no spatial dropout": "Every step of the other sees a damaged network: its solid line would cross 0.75 further "
        "to the right.",
        "spatial dropout 0.1": "Then losing maps speeds learning up: its solid line would cross 0.75 first.",
        "both together, or neither": "Then the solid lines cross 0.75 in the same epoch, or not at all.",
    },
)
_row(
    "task6a",
    "Which run has the wider gap over the last ten epochs?",
    partial(_compared, _gap),
    {
        "no spatial dropout": "Whole maps are harder to replace, so it is the other that learns less by heart.",
        "spatial dropout 0.1": "Then dropping maps would help learning by heart: see the second row of the table of "
        "gaps.",
        "both the same, within a point": "Then these two gaps, of one seed, do not tell the runs apart.",
    },
)
_row(
    "task6b",
    "After the longer training, whose best validation accuracy is higher?",
    partial(_compared, _top),
    {
        "no spatial dropout": "Then its solid line has the higher peak. Whether the other has caught up all the same "
        "is for an interval to say: see the sentences below the table of gaps.",
        "spatial dropout 0.1": "Then its solid line has the higher peak. Whether that is more than chance is for the "
        "paired test to say.",
        "both the same, within a point": "Then the peaks of the solid lines are equally high. Whether it has caught up "
        "is for an interval to say: see the sentences below the table of gaps.",
    },
)
_row(
    "task6b",
    "How much do the epochs after the 150th add to the best validation accuracy with spatial dropout?",
    _gained_late,
    {
        "nothing": "Then its peak lies before epoch 150: all that came later was for nothing.",
        "up to two points": "Then the solid line still creeps upwards in the right part of the figure.",
        "more than two points": "Then at 150 epochs it was not finished. Was the other run? A later best epoch is also "
        "one of more epochs to choose from.",
    },
    "spatial dropout 0.1",
)
_row(
    "task7",
    "A picture is flipped left to right, and then top to bottom. Which rotation gives the same?",
    _flipped_twice,
    {
        "by 90 degrees": "A quarter turn makes rows of columns; two flips leave rows rows.",
        "by 180 degrees": "Each pixel ends opposite to where it was: twice mirrored is turned by half.",
        "none": "One flip alone is no rotation, but a second one turns the mirror image back.",
    },
)
_row(
    "task7",
    "A picture is turned by 40 degrees and back again. What is lost?",
    _turned_back,
    {
        "nothing": "Then the mean difference below would be 0: turning computes new pixels from neighbours, twice.",
        "the corners only": "Then everything inside a circle would be as before: look at the sharp edges.",
        "the corners, and detail everywhere": "Corners leave the frame, and each turn averages neighbours: fine detail "
        "fades.",
    },
)
_row(
    "task8",
    "Over the last ten epochs, which network has the higher training accuracy, measured while it trains (dashed)?",
    partial(_compared, _training_at_the_end),
    {
        "no augmentation": "It sees the same pictures in every epoch and can learn them by heart: its dashed line "
        "would end above the other.",
        "augmentation": "Then new pictures in every epoch would be easier than old ones.",
        "both the same, within a point": "Then the changes are so small that the network does not notice them.",
    },
)
_row(
    "task8",
    "Which run has the lower validation loss at its lowest point?",
    partial(_lower, _lowest_loss),
    {
        "no augmentation": "Then the changes teach something that validation images do not need.",
        "augmentation": "Then its solid loss goes lower, on the images that chose the epoch: whether it does on "
        "others, the exam says.",
        "both the same, within 0.01": "Then augmentation may still hold over-fitting up: compare how the losses end.",
    },
)
_row(
    "task9",
    "The largest network of the lab, with dropout and augmentation: where does its training accuracy on Skin end, as "
    "it goes by (the dashed line)?",
    _where_it_ends,
    {
        "above 0.97": "Then it has learned even changed pictures by heart: the dashed line touches the top.",
        "between 0.90 and 0.97": "Then it is on its way there: the dashed line still rises at the end.",
        "below 0.90": "Then pictures that change in every epoch cannot be learned by heart, even with this much room.",
    },
    "Skin",
)
_row(
    "task9",
    "Bone's best accuracy: how many more errors would lower it by five points?",
    _five_points,
    {
        "2 or fewer": "Then the validation set would have at most forty images: its size is in the line above.",
        "3 to 9": "A set of this size moves by a good half point with every single image.",
        "10 or more": "Then the set would have at least two hundred images: its size is in the line above.",
    },
    "Bone",
)

"""Two questions for every notebook, each to be answered before a result is seen.

What is right is computed from the runs shown, so that it is true for whatever was trained. Each choice has a sentence
for the student who made it: what one would see if it were so, and where to look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labutils.course.predict import Found
from labutils.errors import ParameterError

if TYPE_CHECKING:
    from labutils.runs.run import Run

Runs = Mapping[str, "Run"]
POINT = 0.01
"""Accuracies closer than this are called equal in a question: one point."""

LEARNED = 0.6
"""A validation accuracy, of two classes, that guessing does not reach."""

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Question:
    """A question with choices.

    `needs` are the labels of the runs that answer it; `right` gets runs with at least these.
    """

    task: str
    number: int
    text: str
    choices: tuple[str, ...]
    feedback: tuple[str, ...]
    needs: tuple[str, ...]
    right: Callable[[Runs], Found]

    def answer(self, runs: Runs) -> Found | None:
        """The right choice for these runs; None if one that is needed is not among them."""
        return self.right(runs) if all(label in runs for label in self.needs) else None


def find_question(task: str, number: int) -> Question:
    """A question by its notebook and number, from 1.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if (task, number) not in QUESTIONS:
        raise ParameterError(f"{task} has no question {number}: each notebook from task1b to task9 has 1 and 2.")
    return QUESTIONS[task, number]


QUESTIONS: dict[tuple[str, int], Question] = {}
"""All questions by notebook and number."""


def _ask(
    task: str, text: str, choices: Mapping[str, str], needs: tuple[str, ...] | None = None
) -> Callable[[Callable[[Runs], Found]], None]:
    """Enter a question; the choices carry their feedback, and are the labels needed unless others are."""
    number = 1 + sum(known == task for known, _ in QUESTIONS)

    def enter(right: Callable[[Runs], Found]) -> None:
        labels = tuple(choices) if needs is None else needs
        QUESTIONS[task, number] = Question(task, number, text, (*choices,), (*choices.values(),), labels, right)

    return enter


def _extreme(values: Mapping[str, float], shown: Callable[[float], str], largest: bool = False) -> Found:
    """The first label with the smallest value, or the largest."""
    wanted = (max if largest else min)(values.values())
    right, *equal = [i for i, value in enumerate(values.values()) if value == wanted]
    because = "; ".join(f"{label}: {shown(value)}" for label, value in values.items()) + "."
    return Found(right, because, tuple(equal))


def _epoch(value: float) -> str:
    return "never" if np.isinf(value) else f"epoch {value:.0f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


def _end(run: Run, curve: str, last: int = 10) -> float:
    return float(np.mean(run.history[curve][-last:]))


def _gap_of(runs: Runs, labels: tuple[str, ...]) -> Callable[[Run], float]:
    """What measures the gap of one of these runs, as the notebooks' table of gaps does."""
    from labutils.evaluate.curves import gap_by_image, train_curve

    curve = train_curve(*(runs[label] for label in labels))
    return lambda run: float(gap_by_image(run, curve).mean())


def _top(run: Run) -> float:
    return float(np.max(run.history["val_accuracy"]))


def _lowest(run: Run) -> float:
    return float(np.min(run.history["val_loss"]))


def _reaches(run: Run, value: float, curve: str = "val_accuracy") -> float:
    from labutils.evaluate.curves import epochs_to_reach

    return epochs_to_reach(run.history, value, curve) or float("inf")


def _compared(
    runs: Runs, labels: tuple[str, str], measure: Callable[[Run], float], within: float = POINT, lower: bool = False
) -> Found:
    """0 if the first is higher by more than `within`, or lower if `lower`; 1 if the second is; 2 if they are equal."""
    first, second = labels
    one, other = measure(runs[first]), measure(runs[second])
    choice = 2 if abs(one - other) <= within else int((other < one) if lower else (other > one))
    return Found(choice, f"{first}: {one:.3f}; {second}: {other:.3f}.")


def _paired(runs: Runs, first: str, second: str) -> Found:
    """0 or 1 for the better of two by McNemar's test at their best epochs, 2 if it may be chance."""
    from labutils.evaluate.compare import mcnemar

    p = mcnemar(runs[first], runs[second]).p
    one, other = _top(runs[first]), _top(runs[second])
    choice = 2 if p >= SIGNIFICANT else int(other > one)
    return Found(choice, f"{first}: {one:.3f}; {second}: {other:.3f}; McNemar's p = {p:.3f}.")


@_ask(
    "task1b",
    "Which validation loss is the first to reach its lowest point?",
    {
        "lr 1e-4": "Large steps arrive early: the minimum of the solid loss curve would lie far to the left in the "
        "first column.",
        "lr 1e-5": "If the middle rate were first, the high rate's loss would still be falling where this one turns.",
        "lr 1e-6": "A curve that falls slowly has its lowest point at its end: look where the third column stops.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("lr 1e-4", "lr 1e-5", "lr 1e-6")
    return _extreme({label: 1.0 + np.argmin(runs[label].history["val_loss"]) for label in labels}, _epoch)


@_ask(
    "task1b",
    "Which rate has the highest validation accuracy at its best epoch?",
    {
        "lr 1e-4": "Over-fitting spoils the end of a run, but its best epoch may come before: look at the peak, not at "
        "the last epoch.",
        "lr 1e-5": "If it is the best, its peak is the highest, and the interval in the table says by how much more "
        "than chance.",
        "lr 1e-6": "A run that has hardly left guessing cannot be ahead: compare its solid curve with 0.5.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("lr 1e-4", "lr 1e-5", "lr 1e-6")
    return _extreme({label: _top(runs[label]) for label in labels}, _three, largest=True)


@_ask(
    "task1c",
    "Both at their best epoch, on the same images: which network is better, by more than chance?",
    {
        "AlexNet": "Then it would be right alone on clearly more images than VGG16: see the paired table.",
        "VGG16": "Then depth has paid: the paired table would show far more images that only VGG16 gets right.",
        "the difference may be chance": "Then the images that only one of them gets right are split about evenly "
        "between the two.",
    },
    ("AlexNet", "VGG16"),
)
def _(runs: Runs) -> Found:
    return _paired(runs, "AlexNet", "VGG16")


@_ask(
    "task1c",
    f"Which network is the first to reach a validation accuracy of {LEARNED}?",
    {
        "AlexNet": "Fewer layers pass the gradient on more directly: its solid curve would leave 0.5 further to the "
        "left.",
        "VGG16": "Then thirteen layers did not delay it: its solid curve would leave 0.5 before that of AlexNet.",
        "both in the same epoch": "Then the two curves would leave the level of guessing together.",
    },
    ("AlexNet", "VGG16"),
)
def _(runs: Runs) -> Found:
    one, other = (_reaches(runs[label], LEARNED) for label in ("AlexNet", "VGG16"))
    return Found(2 if one == other else int(other < one), f"AlexNet: {_epoch(one)}; VGG16: {_epoch(other)}.")


@_ask(
    "task1d",
    "Twice the filters in every block: how many times the parameters?",
    {
        "about twice": "That would be so if only the outputs of a layer doubled: its inputs do as well.",
        "nearly four times": "Inputs and outputs of a convolution double, so its weights are multiplied by four; the "
        "last layers keep it below that.",
        "about eight times": "A window has the same nine positions as before: only channels are multiplied.",
    },
    ("b8", "b16"),
)
def _(runs: Runs) -> Found:
    from labutils.models import describe

    narrow, wide = (describe(runs[label].config).parameters for label in ("b8", "b16"))
    choice = int(np.argmin([abs(np.log(wide / narrow / times)) for times in (2, 4, 8)]))
    return Found(choice, f"{narrow:,} and {wide:,} parameters: {wide / narrow:.1f} times.")


@_ask(
    "task1d",
    "Over the last ten epochs, which run has the lowest training accuracy as it goes by (the dashed line)?",
    {
        "b8": "The fewest filters have the least room: then its dashed curve would end below the other two.",
        "b16": "It has the most room and nothing in its way: its dashed curve would have to end lowest all the same.",
        "b16, dropout 0.2": "It is measured while a fifth of the dense units is missing: look for the dashed curve "
        "below the solid one.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("b8", "b16", "b16, dropout 0.2")
    return _extreme({label: _end(runs[label], "accuracy") for label in labels}, _three)


@_ask(
    "task1e",
    "Which network has the most parameters?",
    {
        "LeNet": "It halves the image only twice, so its dense layer reads a large map: look at where its parameters "
        "are.",
        "AlexNet": "It halves the image three times: its dense layer reads a map a quarter as large as LeNet's.",
        "VGG16": "Thirteen convolutions sound like more, but each has few weights; five halvings leave a small map.",
    },
)
def _(runs: Runs) -> Found:
    from labutils.models import describe

    labels = ("LeNet", "AlexNet", "VGG16")
    return _extreme(
        {label: describe(runs[label].config).parameters for label in labels},
        lambda value: f"{value:,.0f}",
        largest=True,
    )


@_ask(
    "task1e",
    f"Which network is the last to reach a validation accuracy of {LEARNED}?",
    {
        "LeNet": "Then two convolutions learn more slowly than thirteen: its solid curve would stay longest at 0.5.",
        "AlexNet": "Then the network in the middle would be the slowest: compare where the solid curves leave 0.5.",
        "VGG16": "Many layers without normalization begin slowly: its solid curve would stay longest at 0.5.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("LeNet", "AlexNet", "VGG16")
    return _extreme({label: _reaches(runs[label], LEARNED) for label in labels}, _epoch, largest=True)


@_ask(
    "task2",
    "What does dropout 0.2 do to the gap of the narrow network (b8) over the last ten epochs?",
    {
        "narrows it by more than 2 points": "Then in the table of gaps its row shows clearly less than the first.",
        "changes it by less than 2 points": "Then a fifth of the units missing is not enough to hinder learning by "
        "heart, or there is hardly a gap to narrow.",
        "widens it by more than 2 points": "Then validation suffers more from dropout than training: compare the solid "
        "lines of the first two columns.",
    },
    ("b8", "b8, dropout 0.2"),
)
def _(runs: Runs) -> Found:
    labels = ("b8", "b8, dropout 0.2")
    without, with_it = map(_gap_of(runs, labels), (runs[label] for label in labels))
    narrower = without - with_it
    choice = 0 if narrower > 2 * POINT else 2 if narrower < -2 * POINT else 1
    return Found(choice, f"Gap without dropout {without:.3f}, with it {with_it:.3f}.")


@_ask(
    "task2",
    "Which of the four runs has the lowest validation loss at any epoch?",
    {
        "b8": "Then neither width nor dropout helps: the lowest solid loss would be in the first column.",
        "b8, dropout 0.2": "Then dropout helps the narrow network more than width would: look at the second column.",
        "b16": "Then twice the filters find more, without any hindrance: look at the third column.",
        "b16, dropout 0.2": "Then the room of the wide network pays once it cannot learn by heart: look at the last "
        "column.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("b8", "b8, dropout 0.2", "b16", "b16, dropout 0.2")
    return _extreme({label: _lowest(runs[label]) for label in labels}, _three)


@_ask(
    "task3",
    "Is Bone classified better than Skin?",
    {
        "yes, by more than chance": "Then the two intervals lie apart, and Fisher's test gives a small p.",
        "yes, but that may be chance": "Then Bone's accuracy is the higher one, and the intervals overlap widely.",
        "no": "Then Skin's accuracy would be at least as high: compare the peaks of the solid curves.",
    },
    ("Skin", "Bone"),
)
def _(runs: Runs) -> Found:
    from labutils.evaluate.compare import fisher

    p, skin, bone = fisher(runs["Bone"], runs["Skin"]), _top(runs["Skin"]), _top(runs["Bone"])
    choice = 2 if bone <= skin else int(p >= SIGNIFICANT)
    return Found(choice, f"Bone: {bone:.3f}; Skin: {skin:.3f}; Fisher's p = {p:.3f}.")


@_ask(
    "task3",
    "How wide, from end to end, is the 95 % interval of Skin's best accuracy?",
    {
        "about 2 points": "That takes thousands of images: in the table of intervals look for a width of 0.02.",
        "about 5 points": "That takes about a thousand images: compare with the number of validation images above.",
        "about 10 points": "That is what a few hundred images give: two networks five points apart may be equal.",
    },
    ("Skin",),
)
def _(runs: Runs) -> Found:
    from labutils.evaluate.metrics import accuracy

    estimate = accuracy(runs["Skin"])
    width = estimate.high - estimate.low
    choice = int(np.argmin([abs(np.log(width / guess)) for guess in (0.02, 0.05, 0.10)]))
    return Found(choice, f"{estimate} on {len(runs['Skin'].y_val)} images: {100 * width:.1f} points.")


@_ask(
    "task4",
    "A network that says no to every class of every image: what is its element-wise accuracy?",
    {
        "0.11": "That is the accuracy of guessing one class of nine: here every entry counts, not every image.",
        "0.50": "Yes and no are not equally frequent: in each row of nine only one entry is a yes.",
        "0.89": "In each row of nine it is right eight times: an accuracy of .89 may be no better than silence.",
    },
    ("LeNet (1) lr 1e-5",),
)
def _(runs: Runs) -> Found:
    n = len(runs["LeNet (1) lr 1e-5"].class_names)
    value = 1 - 1 / n
    choice = int(np.argmin([abs(value - guess) for guess in (0.11, 0.5, 0.89)]))
    return Found(choice, f"{n - 1} of {n} entries are no: {value:.3f}.")


@_ask(
    "task4",
    "LeNet at three rates: which one has the lowest categorical accuracy at its best epoch?",
    {
        "(1) lr 1e-5": "Then both larger and smaller steps would do better: compare the peaks of the first, third and "
        "fourth column.",
        "(3) lr 1e-4": "Then the large steps would not arrive anywhere: its curve would jump instead of rising.",
        "(4) lr 1e-6": "Then the epochs are over before it has arrived: its curve still rises at the end.",
    },
    tuple(f"LeNet {setting}" for setting in ("(1) lr 1e-5", "(3) lr 1e-4", "(4) lr 1e-6")),
)
def _(runs: Runs) -> Found:
    settings = ("(1) lr 1e-5", "(3) lr 1e-4", "(4) lr 1e-6")
    return _extreme({setting: _top(runs[f"LeNet {setting}"]) for setting in settings}, _three)


_5A = ("no dropout", "dropout 0.4")


@_ask(
    "task5a",
    "Over the last ten epochs, which run has the higher training accuracy as it goes by (the dashed line)?",
    {
        "no dropout": "Nothing hinders it from learning by heart: its dashed line would end above the other.",
        "dropout 0.4": "Then missing units would help on the training images: its dashed line would end above the "
        "other.",
        "both the same, within a point": "Then dropout has not hindered it: both dashed lines end at the same height.",
    },
    _5A,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _5A, lambda run: _end(run, "accuracy"))


@_ask(
    "task5a",
    "Whose validation loss ends well above its own minimum, that is, which run over-fits?",
    {
        "only without dropout": "Then the solid loss turns upwards in the first column only.",
        "both": "Then dropout delays over-fitting and does not prevent it: look for the turn in both columns.",
        "neither": "Then both solid losses end near their lowest point.",
        "only with dropout": "Then leaving units out would make it worse: the turn would be in the second column only.",
    },
    _5A,
)
def _(runs: Runs) -> Found:
    from labutils.evaluate.curves import overfitting_epoch

    epochs = [overfitting_epoch(runs[label].history) for label in _5A]
    choice = {(True, False): 0, (True, True): 1, (False, False): 2, (False, True): 3}[
        epochs[0] is not None, epochs[1] is not None
    ]
    said = (
        f"{label}: {'no over-fitting' if e is None else f'from epoch {e}'}"
        for label, e in zip(_5A, epochs, strict=True)
    )
    return Found(choice, "; ".join(said) + ".")


@_ask(
    "task5b",
    "Batch normalization needs how many epochs for the highest training accuracy of the plain network?",
    {
        "at most half as many": "Then its dashed line crosses that height in the left half of the figure.",
        "fewer, but more than half": "Then it is faster, and not by much: the dashed lines run side by side.",
        "as many or more, or never": "Then normalizing small batches costs more than it gains.",
    },
    ("no dropout", "batch norm"),
)
def _(runs: Runs) -> Found:
    goal = float(np.max(runs["no dropout"].history["accuracy"]))
    before, after = (_reaches(runs[label], goal, "accuracy") for label in ("no dropout", "batch norm"))
    choice = 0 if after <= before / 2 else 1 if after < before else 2
    return Found(choice, f"Training accuracy {goal:.3f}: plain {_epoch(before)}, batch norm {_epoch(after)}.")


@_ask(
    "task5b",
    "Which run has the widest gap between training and validation over the last ten epochs?",
    {
        "no dropout": "Then the plain network learns by heart more than the faster one: see the first row of the table "
        "of gaps.",
        "dropout 0.4": "Then dropout would not do what it is for: see the second row of the table of gaps.",
        "batch norm": "Whoever learns faster also learns by heart faster: see the third row of the table of gaps.",
        "batch norm, dropout 0.4": "Then normalization outdoes what dropout prevents: see the last row of the table of "
        "gaps.",
    },
)
def _(runs: Runs) -> Found:
    labels = ("no dropout", "dropout 0.4", "batch norm", "batch norm, dropout 0.4")
    gap = _gap_of(runs, labels)
    return _extreme({label: gap(runs[label]) for label in labels}, _three, largest=True)


_NORM = ("no batch norm", "batch norm")


@_ask(
    "task5c",
    "Which run has the lower validation loss at its lowest point?",
    {
        "no batch norm": "Then eighty slow epochs were enough: its solid loss would come down further.",
        "batch norm": "Then the larger effective steps pay at this small rate: its solid loss would come down further.",
        "both the same, within 0.01": "Then normalization changes how fast the loss falls, and not how far.",
    },
    _NORM,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _NORM, _lowest, within=0.01, lower=True)


@_ask(
    "task5c",
    "And the accuracy at the best epochs: which is higher, by more than chance?",
    {
        "no batch norm": "Then the images that only this run gets right would clearly outnumber the others.",
        "batch norm": "Then the paired table would show far more images that only the normalized network gets right.",
        "the difference may be chance": "A loss can tell apart what an accuracy cannot: the images are split about "
        "evenly.",
    },
    _NORM,
)
def _(runs: Runs) -> Found:
    return _paired(runs, *_NORM)


@_ask(
    "task5d",
    "From which epoch on does the normalized network over-fit?",
    {
        "before epoch 80": "Then Task 5C has already seen it: the smoothed loss leaves its minimum before the middle.",
        "at epoch 80 or later": "Then it is the additional epochs that spoil it: the turn lies in the right half.",
        "never": "Then its solid loss ends within 0.02 of its lowest point.",
    },
    ("batch norm",),
)
def _(runs: Runs) -> Found:
    from labutils.evaluate.curves import overfitting_epoch

    epoch = overfitting_epoch(runs["batch norm"].history)
    choice = 2 if epoch is None else int(epoch >= 80)
    return Found(choice, "No over-fitting by our definition." if epoch is None else f"From epoch {epoch} on.")


@_ask(
    "task5d",
    "Which run has its best validation accuracy later?",
    {
        "no batch norm": "The slow run is still improving when the fast one is over its peak: look for the peaks of "
        "the solid lines.",
        "batch norm": "Then the normalized network goes on finding better epochs, loss or no loss.",
        "both in the same epoch": "Then the peaks of both solid lines lie above each other.",
    },
    _NORM,
)
def _(runs: Runs) -> Found:
    plain, normed = (runs[label].best_epoch + 1 for label in _NORM)
    choice = 2 if plain == normed else int(normed > plain)
    return Found(choice, f"no batch norm: epoch {plain}; batch norm: epoch {normed}.")


_SPATIAL = ("no spatial dropout", "spatial dropout 0.1")


@_ask(
    "task6a",
    "Which run is the first to reach a validation accuracy of 0.75?",
    {
        "no spatial dropout": "Every step of the other sees a damaged network: its solid line would cross 0.75 further "
        "to the right.",
        "spatial dropout 0.1": "Then losing maps speeds learning up: its solid line would cross 0.75 first.",
        "both together, or neither": "Then the solid lines cross 0.75 in the same epoch, or not at all.",
    },
    _SPATIAL,
)
def _(runs: Runs) -> Found:
    plain, spatial = (_reaches(runs[label], 0.75) for label in _SPATIAL)
    choice = 2 if plain == spatial else int(spatial < plain)
    return Found(choice, f"without: {_epoch(plain)}; with: {_epoch(spatial)}.")


@_ask(
    "task6a",
    "Which run has the wider gap over the last ten epochs?",
    {
        "no spatial dropout": "Whole maps are harder to replace, so it is the other that learns less by heart.",
        "spatial dropout 0.1": "Then dropping maps would help learning by heart: see the second row of the table of "
        "gaps.",
        "both the same, within a point": "Then after so many epochs neither has learned more by heart than the other.",
    },
    _SPATIAL,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _SPATIAL, _gap_of(runs, _SPATIAL))


@_ask(
    "task6b",
    "After the longer training, whose best validation accuracy is higher?",
    {
        "no spatial dropout": "Then the slower run has not caught up: its solid line stays below to the end.",
        "spatial dropout 0.1": "Then the slower run has overtaken: its solid line ends above.",
        "both the same, within a point": "Then it has caught up: the peaks of the solid lines are equally high.",
    },
    _SPATIAL,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _SPATIAL, _top)


@_ask(
    "task6b",
    "How much do the epochs after the 150th add to the best validation accuracy with spatial dropout?",
    {
        "nothing": "Then its peak lies before epoch 150: all that came later was for nothing.",
        "up to two points": "Then the solid line still creeps upwards in the right part of the figure.",
        "more than two points": "Then at 150 epochs it was far from finished, and Task 6A was unfair to it.",
    },
    ("spatial dropout 0.1",),
)
def _(runs: Runs) -> Found:
    curve = runs["spatial dropout 0.1"].history["val_accuracy"]
    before, after = float(np.max(curve[:150])), float(np.max(curve))
    choice = 0 if after <= before else 1 if after - before <= 2 * POINT else 2
    return Found(choice, f"Best of the first 150 epochs: {before:.3f}; of all {len(curve)}: {after:.3f}.")


@_ask(
    "task7",
    "A picture is flipped left to right, and then top to bottom. Which rotation gives the same?",
    {
        "by 90 degrees": "A quarter turn makes rows of columns; two flips leave rows rows.",
        "by 180 degrees": "Each pixel ends opposite to where it was: twice mirrored is turned by half.",
        "none": "One flip alone is no rotation, but a second one turns the mirror image back.",
    },
    (),
)
def _(runs: Runs) -> Found:
    from labutils import augment

    image = np.arange(16.0).reshape(4, 4) / 16
    twice = augment.flip_vertical(augment.flip_horizontal(image))
    same = [bool(np.allclose(twice, augment.rotate(image, angle), atol=1e-6)) for angle in (90, 180)]
    return Found(same.index(True) if any(same) else 2, "Tried on a picture of sixteen different pixels.")


@_ask(
    "task7",
    "A picture is turned by 40 degrees and back again. What is lost?",
    {
        "nothing": "Then the mean difference below would be 0: turning computes new pixels from neighbours, twice.",
        "the corners only": "Then everything inside a circle would be as before: look at the sharp edges.",
        "the corners, and detail everywhere": "Corners leave the frame, and each turn averages neighbours: fine detail "
        "fades.",
    },
    (),
)
def _(runs: Runs) -> Found:
    from labutils import augment

    image = np.random.default_rng(0).uniform(0, 1, (33, 33))
    lost = np.abs(augment.rotate(augment.rotate(image, 40), -40) - image)
    down, right = np.mgrid[-16:17, -16:17]
    inside = float(lost[down**2 + right**2 < 12**2].mean())
    outside = float(lost[down**2 + right**2 >= 12**2].mean())
    choice = 2 if inside > POINT else 1 if outside > POINT else 0
    return Found(choice, f"Mean difference on a picture of noise: {inside:.2f} inside a circle, {outside:.2f} outside.")


_AUGMENTED = ("no augmentation", "augmentation")


@_ask(
    "task8",
    "Over the last ten epochs, which run has the higher training accuracy as it goes by (the dashed line)?",
    {
        "no augmentation": "It sees the same pictures in every epoch and can learn them by heart: its dashed line "
        "would end above the other.",
        "augmentation": "Then new pictures in every epoch would be easier than old ones.",
        "both the same, within a point": "Then the changes are so small that the network does not notice them.",
    },
    _AUGMENTED,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _AUGMENTED, lambda run: _end(run, "accuracy"))


@_ask(
    "task8",
    "Which run has the lower validation loss at its lowest point?",
    {
        "no augmentation": "Then the changes teach something that validation images do not need.",
        "augmentation": "Then knowing what does not matter helps on images never seen: its solid loss goes lower.",
        "both the same, within 0.01": "Then augmentation holds over-fitting up without making the best epoch better.",
    },
    _AUGMENTED,
)
def _(runs: Runs) -> Found:
    return _compared(runs, _AUGMENTED, _lowest, within=0.01, lower=True)


@_ask(
    "task9",
    "The largest network of the lab, with dropout and augmentation: where does its training accuracy on Skin end, as "
    "it goes by (the dashed line)?",
    {
        "above 0.97": "Then it has learned even changed pictures by heart: the dashed line touches the top.",
        "between 0.90 and 0.97": "Then it is on its way there: the dashed line still rises at the end.",
        "below 0.90": "Then pictures that change in every epoch cannot be learned by heart, even with this much room.",
    },
    ("Skin",),
)
def _(runs: Runs) -> Found:
    end = _end(runs["Skin"], "accuracy")
    return Found(0 if end > 0.97 else 1 if end >= 0.9 else 2, f"Mean of the last ten epochs: {end:.3f}.")


@_ask(
    "task9",
    "Bone's best accuracy: how many more errors would lower it by five points?",
    {
        "2 or fewer": "Then the validation set would have at most forty images: its size is in the line above.",
        "3 to 9": "A set of this size moves by a good half point with every single image.",
        "10 or more": "Then the set would have at least two hundred images: its size is in the line above.",
    },
    ("Bone",),
)
def _(runs: Runs) -> Found:
    n = len(runs["Bone"].y_val)
    errors = int(np.ceil(0.05 * n))
    return Found(0 if errors <= 2 else 1 if errors <= 9 else 2, f"5 % of {n} images: {errors} errors.")

"""Points for what is no exercise: a choice that was committed to, and a run that a student has trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labutils.errors import LabError

if TYPE_CHECKING:
    from labutils.runs.run import Run


@dataclass(frozen=True)
class Grade:
    """Points, and a sentence for every one that was lost."""

    points: float
    most: float
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no point was lost."""
        return self.points == self.most

    def __repr__(self) -> str:
        """`1 of 2 points: ...`."""
        return f"{self.points:g} of {self.most:g} points" + "".join(f"; {reason}" for reason in self.reasons)


def grade_choice(task: str, number: int, choice: str | None, runs: Mapping[str, Run] | None = None) -> Grade:
    """One point if a choice is what the runs show; the choices are given by their text or by a, b, c, d.

    Raises
    ------
    ParameterError
        If there is no such question.
    """
    from labutils.course.questions import find_question

    question = find_question(task, number)
    found = question.answer(runs or {})
    if found is None:
        return Grade(0, 1, ("the runs that answer the question are missing",))
    letters = dict(zip("abcd", question.choices, strict=False))
    given = letters.get(str(choice).strip().lower(), choice)
    if given in question.choices and found.accepts(question.choices.index(str(given))):
        return Grade(1, 1)
    return Grade(0, 1, (f"{found.in_words(question.choices)} {found.because}",))


def grade_run(
    run: Run, accuracy_band: tuple[float, float], settings: Mapping[str, Any], *, repeat: bool = True
) -> Grade:
    """Grade a run that a student has trained, by what cannot depend on the machine it was trained on.

    One point each: the settings asked for, a best validation accuracy within a band, a provenance that fits the
    epochs, and, if `repeat`, a first epoch that comes out the same when it is trained again.

    Parameters
    ----------
    run : Run
    accuracy_band : (float, float)
        Lowest and highest best validation accuracy that are accepted. Never a number: training is noisy.
    settings : mapping
        Settings of `RunConfig` that were asked for; the others are free. `epochs` is the least that is asked for.
    repeat : bool
        Train the first epoch again (`training.verify`); takes as long as that epoch.

    Returns
    -------
    Grade
    """
    problems = [_wrong_settings(run, settings), _outside(run, accuracy_band), _no_provenance(run)]
    if repeat:
        problems.append(_not_repeated(run))
    return Grade(problems.count(""), len(problems), tuple(filter(None, problems)))


def _wrong_settings(run: Run, settings: Mapping[str, Any]) -> str:
    for name, wanted in settings.items():
        got = run.epochs if name == "epochs" else getattr(run.config, name, None)
        if got != wanted if name != "epochs" else run.epochs < wanted:
            return f"{name} is {got}, and {wanted} was asked for"
    return ""


def _outside(run: Run, band: tuple[float, float]) -> str:
    best = float(run.history["val_accuracy"].max())
    return "" if band[0] <= best <= band[1] else f"best accuracy {best:.3f}, expected {band[0]:g} to {band[1]:g}"


def _no_provenance(run: Run) -> str:
    stretches = run.provenance.get("stretches", [])
    starts = [stretch.get("first_epoch") for stretch in stretches]
    if not starts or starts[0] != 1 or starts != sorted(starts) or starts[-1] > run.epochs:
        return "its provenance does not tell where its epochs come from"
    return "" if run.provenance.get("fingerprint") else "its provenance does not tell which images it saw"


def _not_repeated(run: Run) -> str:
    from labutils.training.verify import verify

    try:
        verification = verify(run)
    except (LabError, ValueError) as error:
        return f"its first epoch cannot be repeated here: {error}"
    return "" if verification.passed else "its first epoch, trained again, gives something else"

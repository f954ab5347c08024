"""The exercises: for each a reference, the inputs it is tried on, and the mistakes that are known by name."""

from labutils.course.exercises import built, layers, metrics, pictures  # noqa: F401 (they enter theirs)
from labutils.course.exercises.entry import ENTERED, POINTS, Case, Exercise, Mistake

EXERCISES: dict[str, Exercise] = {entered.name: entered for entered in sorted(ENTERED, key=lambda e: e.task)}
"""All exercises by name, in the order of the notebooks; a notebook has one or two."""


def of_task(task: str) -> list[Exercise]:
    """The exercises of a notebook, in order."""
    return [exercise for exercise in EXERCISES.values() if exercise.task == task]


__all__ = ["EXERCISES", "POINTS", "Case", "Exercise", "Mistake", "of_task"]

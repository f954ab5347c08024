"""The exercises as texts: the question, the cell with its solution, and the cell that a student begins with.

`EXERCISES` has them by name; a notebook has one or two. The texts are those of `solutions`, cut at nbgrader's marks.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from labutils.course import solutions

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
PLACEHOLDER = "...  # your lines here"
"""What stands where the solution was: it runs anywhere, and the check says that nothing is written yet."""

_REGION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}\n?", re.M | re.S)
_IMPORTS = {
    "np.": "import numpy as np",
    "sqrt(": "from math import sqrt",
    "comb(": "from math import comb",
    "ceil(": "from math import ceil",
}


@dataclass(frozen=True)
class Exercise:
    """One thing to write.

    `source` is the notebook's cell with the solution between marks, `stub` what stands in the student's, `solution`
    the solved cell without marks; `test` is the cell that checks it.
    """

    name: str
    task: str
    question: str
    points: int = 4

    @property
    def source(self) -> str:
        """The cell with its solution between nbgrader's marks."""
        written = _plain_types(inspect.getsource(getattr(solutions, self.name)).rstrip())
        code = re.sub(r'""".*?"""', "", written, flags=re.S)
        imports = [line for use, line in _IMPORTS.items() if re.search(rf"(?<![\w.]){re.escape(use)}", code)]
        return "\n".join([*imports, "", "", written] if imports else [written])

    @property
    def stub(self) -> str:
        """The cell that a student begins with."""
        return without_solution(self.source)

    @property
    def solution(self) -> str:
        """The solved cell."""
        return re.sub(rf"^[ \t]*({BEGIN}|{END})\n?", "", self.source, flags=re.M).rstrip()

    @property
    def test(self) -> str:
        """The cell that checks it."""
        return f"check.{self.name}({self.name})"


def without_solution(source: str) -> str:
    """A cell with every marked solution replaced by lines that run and say nothing.

    Examples
    --------
    >>> print(without_solution("def one():\\n    ### BEGIN SOLUTION\\n    return 1\\n    ### END SOLUTION"))
    def one():
        ...  # your lines here
    """
    return _REGION.sub(lambda found: f"{found[1]}{PLACEHOLDER}\n", source + "\n").rstrip()


def _plain_types(source: str) -> str:
    """Signatures as a student writes them: on one line, without types."""
    header = r"(def \w+)\((.*?)\)(?: -> [^\n]*)?:\n"
    return re.sub(header, lambda found: f"{found[1]}({_names(found[2])}):\n", source, flags=re.S)


def _names(parameters: str) -> str:
    """`a, b=1` for `a: list[int, str], b: int = 1`."""
    flat = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", parameters))  # types hold commas of their own
    names = []
    for part in filter(str.strip, flat.split(",")):
        name, _, default = part.partition("=")
        names.append(name.split(":")[0].strip() + (f"={default.strip()}" if default else ""))
    return ", ".join(names)


EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        Exercise(
            "overfitting_epoch",
            "task1b",
            "From which epoch on does a run over-fit? Write a function that reads it from the validation losses.",
        ),
        Exercise(
            "receptive_field",
            "task1c",
            "How much of the image does one position after several layers see? Write a function that works it out.",
        ),
        Exercise(
            "layer_parameters",
            "task1d",
            "How many numbers does a layer learn? Write a function for dense layers and convolutions.",
        ),
        Exercise(
            "epoch_to_keep",
            "task1e",
            "Which epoch would early stopping have kept? Write a function that follows the losses epoch by epoch.",
        ),
        Exercise(
            "sensitivity_specificity",
            "task2",
            "How many of the atypical fractures are found, and how many of the others are left alone? Write a function "
            "that counts them into a confusion matrix.",
        ),
        Exercise(
            "wilson",
            "task3",
            "How far can an accuracy be trusted? Write a function that gives its interval after Wilson.",
        ),
        Exercise(
            "mcnemar",
            "task3",
            "Could the difference of two networks on the same images be chance? Write McNemar's exact test.",
        ),
        Exercise(
            "accuracies",
            "task4",
            "The same predictions, two numbers: write a function that gives the categorical and the element-wise "
            "accuracy.",
        ),
        Exercise(
            "dropout",
            "task5a",
            "What does a dropout layer do, in training and afterwards? Write its forward pass.",
        ),
        Exercise(
            "batch_norm",
            "task5b",
            "What does batch normalization compute, and which numbers does it carry along? Write its forward pass.",
        ),
        Exercise(
            "fold_batch_norm",
            "task5c",
            "After training, batch normalization is one multiplication and one addition per channel. Write the "
            "function that gives both numbers.",
        ),
        Exercise(
            "smoothed_gap",
            "task5d",
            "A gap read from one epoch is noise. Write a function that averages it over a window that moves along "
            "the run.",
        ),
        Exercise(
            "drop_maps",
            "task6a",
            "Spatial dropout leaves out whole feature maps. Write the function that does it to a batch.",
        ),
        Exercise(
            "both_orders",
            "task6b",
            "Maps may be dropped before the ReLU or after it. Write both orders, and compare what they give.",
        ),
        Exercise(
            "versions",
            "task7",
            "Write a generator: from one picture it makes three, stretched in its grey values and flipped.",
        ),
        Exercise(
            "Batches",
            "task8",
            "Keras takes its training images from an object that has a length and items. Write one that changes the "
            "images of each batch.",
        ),
        Exercise(
            "predictive_values",
            "task9",
            "A clinic asks what a positive answer means for the patient in front of it. Write a function that says so "
            "for any prevalence.",
        ),
    )
}
"""All exercises by name, in the order of the notebooks."""


def of_task(task: str) -> list[Exercise]:
    """The exercises of a notebook, in order."""
    return [exercise for exercise in EXERCISES.values() if exercise.task == task]

"""What more training images do: one network, and simple models beside it, fitted to more and more of the same images.

The images are nested (the first of every class), and the exam is the same: what changes is their number alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labutils import lab
from labutils.audit.against import CALLED, found_on_exam
from labutils.audit.baselines import SIMPLE, on_exam_by_training, simple_of
from labutils.evaluate import exam
from labutils.evaluate.claims import with_seeds
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.sentences import NOT_HERE, Said
from labutils.runs.store import find

if TYPE_CHECKING:
    from labutils.audit.simple import Baseline
    from labutils.runs.run import Run
    from labutils.statistics import Estimate


@dataclass(frozen=True)
class Step:
    """What is reached on the exam with so many training images: the network over its seeds, and simple models by kind.

    Without runs there is no network, and without kept answers there are no simple models.
    """

    training: int
    runs: tuple[Run, ...]
    network: Estimate | None
    simple: Mapping[str, Baseline]


@dataclass(frozen=True)
class Growth:
    """The steps, the ceiling of these images, the simple model that the network is held against, and what is seen: in
    a line, and with its numbers."""

    steps: tuple[Step, ...]
    ceiling: float | None
    rival: str
    title: str
    said: Said

    @property
    def missing(self) -> list[int]:
        """Numbers of training images for which no run is stored."""
        return [step.training for step in self.steps if step.network is None]


def growth(runs: Mapping[int, list[Run]] | None = None) -> Growth | None:
    """How accuracy on the exam grows with the number of training images; None where no run is stored.

    Parameters
    ----------
    runs : mapping of int to list of Run, optional
        By number of training images, all seeds; the stored ones of `lab.learning_curve` unless given.
    """
    planned = lab.learning_curve()
    if runs is None:
        runs = {int(n): own for n, own in with_seeds(find({str(n): one for n, one in planned.items()})).items()}
    sat = {n: [run for run in own if exam.answers(run) is not None] for n, own in runs.items()}
    first = next((run for own in sat.values() for run in own), None)
    if first is None or first.exam is None:
        return None
    kept = on_exam_by_training(first.config.dataset, first.exam.fingerprint)
    known = (simple_of(run) for own in sat.values() for run in own[:1])
    rival = next((one.validation.name for one in known if one), f"{SIMPLE}, forest")
    steps = []
    for n in sorted({*planned, *runs}):
        models = {one.name: one for one in kept[n].models if one.name.startswith(SIMPLE)} if n in kept else {}
        own = sat.get(n, [])
        steps.append(Step(n, tuple(own), exam.effect("accuracy", own).interval() if own else None, models))
    return Growth(tuple(steps), ceiling_of(first), rival, *_seen(steps, rival))


def _seen(steps: list[Step], rival: str) -> tuple[str, Said]:
    """Where the network catches up with a simple model, if it does within what was tried."""
    there = [step for step in steps if step.runs and rival in step.simple]
    pairs = {f"{step.training:,}": (step.runs, step.simple[rival]) for step in there}
    if not pairs:
        return "", Said(NOT_HERE)
    findings = found_on_exam(pairs)
    called = {n: CALLED[finding.word] for n, finding in findings.items()}
    other = f"{'a forest' if rival.endswith('forest') else 'a linear model'} on forty numbers"
    up = next((n for n in called if called[n] in ("wins", "ties")), None)
    last = list(called)[-1]
    if up is not None:
        with_ = "wins against" if called[up] == "wins" else "ties with"
        title = f"With {up} training images the network {with_} {other}"
    elif called[last] == "loses":
        title = f"Up to {last} training images the network does not catch up with {other}"
    else:
        title = f"With {last} training images the network cannot be told from {other}"
    told = "; ".join(f"{n} images: {called[n]}, {finding.evidence}" for n, finding in findings.items())
    absent = [f"{step.training:,}" for step in steps if not step.runs]
    missing = f" Not trained yet: {', '.join(absent)} images." if absent else ""
    return title, Said(f"{title} ({told}).{missing}", tuple(findings.values()))

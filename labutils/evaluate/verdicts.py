"""From the conditions of a claim and some runs to a verdict, twice: on what the lab could know, and on the exam.

All conditions hold: reproduced. One of them does not: not reproduced. Otherwise these runs cannot tell: undecided.
Runs shorter than the report's are not judged, longer ones are cut to its length. No claim raises: whatever cannot be
compared is undecided or missing, and says why. The claims are in `claims`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labutils import lab
from labutils.errors import ComparisonError
from labutils.evaluate.conditions import Case, Condition, same_setting
from labutils.evaluate.exam import NoExamError
from labutils.evaluate.findings import Finding

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs.run import Run

REPRODUCED, NOT_REPRODUCED, UNDECIDED, MISSING = "reproduced", "not reproduced", "undecided", "missing"
WORDS = (REPRODUCED, NOT_REPRODUCED, UNDECIDED, MISSING)
"""All that can be said of a claim."""


@dataclass(frozen=True)
class Verdict:
    """The judgement of one claim on some runs, each of `verdict` and `holds` one of `WORDS`.

    Attributes
    ----------
    id, task, claim, rule : str
    evidence, verdict : str
        What the lab could know: its validation images, one seed.
    source : str
        The data that it was judged on.
    holds, exam : str
        What holds for these images: the exam, all stored seeds; and the numbers behind it.
    """

    id: str
    task: str
    claim: str
    evidence: str
    verdict: str
    rule: str
    source: str
    holds: str = MISSING
    exam: str = "Not judged."


@dataclass(frozen=True)
class Claim:
    """A conclusion of the report: it holds if all its conditions do.

    Attributes
    ----------
    id, task, text : str
    conditions : tuple of Condition
        They name runs of the task, or of `elsewhere`.
    elsewhere : dict of str to RunConfig
        Runs of other tasks, by the names that the conditions use.
    not_for_phantoms : str
        Why drawings cannot answer it, if they cannot.
    """

    id: str
    task: str
    text: str
    conditions: tuple[Condition, ...]
    elsewhere: dict[str, RunConfig] = field(default_factory=dict, hash=False)
    not_for_phantoms: str = ""

    @property
    def needs(self) -> dict[str, RunConfig]:
        """The runs that it speaks of, by name."""
        known = lab.runs(self.task) | self.elsewhere
        return {name: known[name] for condition in self.conditions for name in condition.names}

    @property
    def rule(self) -> str:
        """How it is judged, in words that come from the conditions themselves."""
        return "; and ".join(condition.rule for condition in self.conditions) + "."


def judge_claim(claim: Claim, runs: Mapping[str, Run]) -> Verdict:
    """The verdict on one claim; see `claims.judge`."""
    everything = list(runs.values())
    needs, small = claim.needs, ""
    found = _one_source(needs, everything)
    if len(found) < len(needs) and claim.task in lab.STAND_INS:
        stand_ins = {name: config.with_(**lab.SMALL) for name, config in needs.items()}
        others = _one_source(stand_ins, everything)
        if len(others) == len(needs):
            needs, found = stand_ins, others
            small = f"Only small stand-ins are stored ({lab.SMALL_IN_WORDS}); they say "
    sources = sorted({run.source for run in found.values()})

    def verdict(word: str, evidence: str, holds: str = "", exam: str = "") -> Verdict:
        holds, exam = holds or word, exam or evidence
        if small:  # what they say of themselves is no verdict on the runs that the claim is about
            evidence, exam = f"{small}{word}: {evidence}", f"{small}{holds}: {exam}"
            word = holds = UNDECIDED
        return Verdict(claim.id, claim.task, claim.text, evidence, word, claim.rule, ", ".join(sources), holds, exam)

    absent = [name for name in needs if name not in found]
    if absent:
        return verdict(MISSING, f"Not stored, or not trained here: {'; '.join(absent)}.")
    if len(sources) > 1:
        where = "; ".join(f"{name} on {run.source} images" for name, run in found.items())
        return verdict(UNDECIDED, f"No verdict across sources: {where}.")
    if claim.not_for_phantoms and sources == ["phantom"]:
        return verdict(UNDECIDED, f"Not a question for phantoms: {claim.not_for_phantoms}")
    for name, run in found.items():
        if run.epochs < needs[name].epochs:
            done = f"{run.epochs} of {needs[name].epochs} epochs"
            return verdict(UNDECIDED, f"{name}: {done}, too few to judge.")
    lengths = {name: config.epochs for name, config in needs.items()}
    cut = {name: run.first(lengths[name]) for name, run in found.items()}
    seeds = {name: same_but_seed(run, lengths[name], everything) for name, run in found.items()}
    case = Case(cut, seeds, everything)
    known = _joined([_tried(condition.known, case) for condition in claim.conditions])
    holds = _joined([_tried(condition.found, case) for condition in claim.conditions])
    return verdict(*known, *holds)


def _tried(test: Callable[[Case], Finding], case: Case) -> Finding | str:
    """What a condition finds; a sentence where there is nothing to judge it on."""
    try:
        return test(case)
    except ComparisonError as error:
        return Finding(None, str(error).rstrip("."))
    except NoExamError as error:
        return str(error)


def _joined(findings: list[Finding | str]) -> tuple[str, str]:
    """One word for all conditions, and their evidence."""
    judged = [finding for finding in findings if isinstance(finding, Finding)]
    without = [finding for finding in findings if isinstance(finding, str)]
    text = "; ".join(dict.fromkeys([finding.evidence for finding in judged] + without)) + "."
    if any(finding.holds is False for finding in judged):
        return NOT_REPRODUCED, text
    if without:
        return MISSING, text
    return (UNDECIDED if any(finding.holds is None for finding in judged) else REPRODUCED), text


def _one_source(needs: Mapping[str, RunConfig], everything: list[Run]) -> dict[str, Run]:
    """The runs that a claim needs, all on images of one source if that can be, else from anywhere."""
    best: dict[str, Run] = {}
    for source in dict.fromkeys(run.source for run in everything):
        own = _found(needs, [run for run in everything if run.source == source])
        if len(own) == len(needs):
            return own
        best = max(best, own, key=len)
    anywhere = _found(needs, everything)
    return anywhere if len(anywhere) == len(needs) else best


def _found(needs: Mapping[str, RunConfig], runs: Iterable[Run]) -> dict[str, Run]:
    runs = list(runs)
    return {name: run for name, config in needs.items() if (run := _find(config, runs))}


def _find(config: RunConfig, runs: list[Run]) -> Run | None:
    same = [run for run in runs if is_planned(run, config)]
    return min(same, key=lambda run: (run.config.key != config.key, run.config.seed, -run.epochs), default=None)


def is_planned(run: Run, config: RunConfig) -> bool:
    """Whether a run has these settings; image size, number of images, length and seed may differ."""
    free = {name: getattr(config, name) for name in ("epochs", "image_size", "channels", "n_train", "n_val", "seed")}
    return run.config.with_(**free) == config


def same_but_seed(run: Run, length: int, everything: Iterable[Run]) -> list[Run]:
    """A run and those that differ from it in their seed only, each seed once, cut to a length."""
    alike: dict[int, Run] = {}
    for other in everything:
        if same_setting(other, run) and other.epochs >= length:
            alike.setdefault(other.config.seed, other.first(length))
    return [other for _, other in sorted(alike.items())]


def counts(verdicts: Iterable[Verdict], exam: bool = False) -> dict[str, int]:
    """How many claims got each of the `WORDS`: on what the lab could know, or on the exam."""
    words = [verdict.holds if exam else verdict.verdict for verdict in verdicts]
    return {word: words.count(word) for word in WORDS}

"""From the conditions of a claim and some runs to a verdict.

All conditions hold: reproduced. One of them does not: not reproduced. Otherwise these runs cannot tell: undecided.
Runs shorter than the report's are not judged, longer ones are cut to its length. The claims are in `claims`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labutils.evaluate.findings import Finding

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs import Run

Runs = dict[str, "Run"]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one claim on some runs.

    `verdict` is "reproduced", "not reproduced", "undecided" or "missing"; `source` names the data it was judged on.
    """

    id: str
    task: str
    claim: str
    evidence: str
    verdict: str
    rule: str
    source: str


@dataclass(frozen=True)
class Claim:
    """A conclusion of the report.

    `needs` are the runs it speaks of, by name. `conditions` gets those runs by the same names, and all runs there are.
    """

    id: str
    task: str
    text: str
    rule: str
    needs: dict[str, RunConfig]
    conditions: Callable[[Runs, list[Run]], list[Finding]]


def judge_claim(claim: Claim, runs: Mapping[str, Run]) -> Verdict:
    """The verdict on one claim; see `claims.judge`."""
    everything = list(runs.values())
    found = {name: run for name, config in claim.needs.items() if (run := _find(config, everything))}
    source = ", ".join(sorted({run.source for run in found.values()}))

    def verdict(word: str, evidence: str) -> Verdict:
        return Verdict(claim.id, claim.task, claim.text, evidence, word, claim.rule, source)

    absent = [name for name in claim.needs if name not in found]
    if absent:
        return verdict("missing", f"Not stored, or not trained here: {'; '.join(absent)}.")
    for name, run in found.items():
        if run.epochs < claim.needs[name].epochs:
            done = f"{run.epochs} of {claim.needs[name].epochs} epochs"
            return verdict("undecided", f"{name}: {done}, too few to judge.")
    cut = {name: run.first(claim.needs[name].epochs) for name, run in found.items()}
    results = claim.conditions(cut, everything)
    return verdict(_word([finding.holds for finding in results]), "; ".join(r.evidence for r in results) + ".")


def _word(holds: Iterable[bool | None]) -> str:
    holds = list(holds)
    if False in holds:
        return "not reproduced"
    return "undecided" if None in holds else "reproduced"


def _find(config: RunConfig, runs: list[Run]) -> Run | None:
    """The run with these settings; image size, number of images, length and seed may differ."""
    free = {name: getattr(config, name) for name in ("epochs", "image_size", "channels", "n_train", "n_val", "seed")}
    same = [run for run in runs if run.config.with_(**free) == config]
    return min(same, key=lambda run: (run.config.key != config.key, run.config.seed, -run.epochs), default=None)

"""Verdicts that the reader contests: level, margins, seeds, and exam or validation are chosen in the page.

`judged` in `static/verdict.js` reads every word again from the sums that `contested_data` gives it, as `evaluate.judge`
does within `rules.contested`: a test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labutils.course.widgets.control import instrument, needs_run, show, static_page
from labutils.evaluate import CLAIMS, compare, judge, judge_all, rules, with_stored
from labutils.evaluate.claims import RIVAL, WORDS
from labutils.evaluate.effects import Effect
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.metrics import correct
from labutils.runs.store import RunStore

if TYPE_CHECKING:
    from labutils.evaluate.claims import Part, Verdict
    from labutils.evaluate.findings import Condition
    from labutils.runs.run import Run

LEVELS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
MARGINS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
"""What can be chosen: how often a test may be wrong, and how many times as wide as the lab's its margins are."""

_LIMITS = {
    "wide gap": rules.WIDE,
    "faster": rules.FASTER,
    "steadier": rules.STEADIER,
    "far fewer epochs": rules.FAR_FEWER,
}


@needs_run
def contest_verdicts(runs: Mapping[str, Run], task: str) -> None:
    """Contest the verdicts on a task's claims, from a notebook's runs and what the store has beside them."""
    data = contested_data(with_stored(runs, task), task)
    show(_in_words(data), live=lambda: instrument("verdict", data))


def static_verdict(task: str = "") -> str:
    """The verdicts on all claims, or on a task's, from the stored runs on phantoms, as HTML that needs no kernel."""
    data = contested_data({str(run.path): run for run in RunStore().all() if run.source == "phantom"}, task)
    return static_page("verdict", data, _in_words(data))


def contested_data(runs: Mapping[str, Run], task: str = "") -> dict[str, Any]:
    """What the page needs: the lab's rules, and what the conditions of all claims, or of a task's, are read from.

    A claim's `known` is that on the validation images, its `found` that on the exam, once for every number of seeds;
    None where a condition could not be measured: there is nothing to contest.
    """
    claims = [_contestable(verdict, runs) for verdict in judge_all(runs, task or None)]
    limits = "ACCURACY_MARGIN", "LOSS_MARGIN", "EQUAL", "NARROWER", "LATEST", "HIGHEST"
    return {
        "claims": claims,
        "levels": LEVELS,
        "margins": MARGINS,
        "usual": {"level": LEVELS.index(rules.SIGNIFICANT), "margin": MARGINS.index(1.0)},
        "limits": {name: getattr(rules, name) for name in limits},
        "seeds": max((len(claim["found"] or [1]) for claim in claims), default=1),
        "holds": rules.HOLDS,
        "words": WORDS,
    }


def first_seeds(runs: Mapping[str, Run], most: int) -> dict[str, Run]:
    """The runs of the `most` smallest seeds of every setting, whatever their lengths."""
    seeds: dict[Any, set[int]] = {}
    setting = {name: (run.source, run.config.with_(seed=0, epochs=1)) for name, run in runs.items()}
    for name, run in runs.items():
        seeds.setdefault(setting[name], set()).add(run.config.seed)
    return {name: run for name, run in runs.items() if run.config.seed in sorted(seeds[setting[name]])[:most]}


def _in_words(data: Mapping[str, Any]) -> str:
    words = [claim["lab"] for claim in data["claims"]]
    told = ", ".join(f"{words.count(word)} {word}" for word in WORDS if word in words)
    return f"By the lab's rules, on the exam and all stored seeds: {told}. Level, margins and seeds can be contested."


def _contestable(verdict: Verdict, runs: Mapping[str, Run]) -> dict[str, Any]:
    claim, found, known = CLAIMS[verdict.id], None, None
    if len(verdict.parts) == len(claim.conditions):
        settings = [setting for part in verdict.parts for setting in part.settings]
        rival = any(RIVAL in condition.names for condition in claim.conditions)
        seeds = {run.config.seed for run in runs.values()} if rival else max((s.seeds for s in settings), key=len)
        found = []
        for most in range(1, len(seeds) + 1):
            parts = judge(verdict.id, first_seeds(runs, most)).parts if rival else verdict.parts
            found.append([_found(part, most) for part in parts])
    if len(verdict.known) == len(claim.conditions):
        known = [_known(part) for part in verdict.known]
    return {
        "id": verdict.id,
        "text": verdict.claim,
        "lab": verdict.holds,
        "instead": verdict.instead,
        "conditions": [_condition(condition) for condition in claim.conditions],
        "known": known,
        "found": found,
    }


def _condition(condition: Condition) -> dict[str, str]:
    shown = [name.partition(", chosen")[0] for name in condition.names]
    shown = shown if len(shown) <= 4 else [shown[0], f"{len(shown) - 1} others"]
    pairs = ", ".join(" against ".join(shown[place : place + 2]) for place in range(0, len(shown), 2))
    return {"says": f"{condition.measure} ({pairs})", "measure": condition.measure, "rule": condition.rule}


def _known(part: Part) -> dict[str, Any]:
    """What a word on the validation images is read from: counts, or the ends of an interval at every level."""
    condition, measure, runs = part.condition, part.condition.measure, [setting.run for setting in part.settings]
    if measure in ("accuracy", "best"):
        tests = [compare.mcnemar(runs[0], other) for other in runs[1:]]
        return {"test": measure, "apart": [[test.n10, test.n01] for test in tests], "n": len(runs[0].y_val)}
    if measure in ("accuracy of two data sets", "near the ceiling"):
        right = [[int(correct(run).sum()), len(run.y_val)] for run in runs]
        return {"test": measure, "right": right, "limit": _limit(part)}
    if part.finding.estimate is None:
        return {"test": "word", "word": part.finding.word}
    ends = []
    for level in LEVELS:
        with rules.contested(level):
            if found := condition.known(*part.settings).estimate:
                ends.append(found[1:])
    return {"test": "interval", "value": part.finding.estimate.value, "ends": ends, "limit": _limit(part)}


def _found(part: Part, most: int) -> dict[str, Any]:
    """What a word on the exam and so many seeds is read from: sums of effects, or what single seeds gave."""
    finding = part.condition.found(*(one._replace(seeds=one.seeds[:most]) for one in part.settings))
    if finding.effects:
        return effects_data(*finding.effects) | {"limit": _limit(part)}
    if finding.amounts:
        return {"test": "mean", "amounts": finding.amounts, "limit": _limit(part)}
    return {"test": "word", "word": finding.word}


def effects_data(*effects: Effect) -> dict[str, Any]:
    """What the page measures some effects from."""
    return {"test": "effects", "effects": [asdict(effect)["sums"]._asdict() for effect in effects]}


def _limit(part: Part) -> Any:
    """The limits that a claim or its measure has of its own, which nobody contests."""
    if part.condition.measure == "near the ceiling":
        return (ceiling_of(part.settings[0].run) or 1.0) - rules.NEAR
    return part.condition.limits or _LIMITS.get(part.condition.measure)

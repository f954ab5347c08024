"""Record what the playgrounds show before their first click: `python -m labutils.course.widgets.record [TASK ...]`.

Every recorded run is a real training of this code, with what it depends on beside it. To be run anew when the phantoms
or the training step change.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

from labutils.course.widgets import breaking, instant, small
from labutils.course.widgets.play import RECORDED


def record(task: str) -> dict[str, Any]:
    """A run with a playground's first settings; tasks that begin with the same settings share it."""
    return {"words": small.settings_in_words(task), **_trained(small.settings_for(task))}


@functools.cache
def _trained(settings: small.Settings) -> dict[str, Any]:
    from labutils.models import describe
    from labutils.training.backend import provenance

    dataset = small.small_dataset(settings.config.dataset, "phantom")
    return {
        "parameters": describe(settings.config, len(dataset.class_names)).parameters,
        "history": small.train_small(settings, dataset),
        "provenance": {
            **provenance("float32"),
            "config": settings.config.model_dump(mode="json"),
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
        },
    }


def write(name: str, values: dict[str, Any]) -> None:
    """Write one recording."""
    file = RECORDED / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(values, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{name}: {values['words']}", flush=True)


RECORDINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "range": instant.record_range,
    "norm": instant.record_norm,
    "changes": breaking.record_changes,
}
"""What is recorded beside the playgrounds."""


def main(names: list[str]) -> None:
    """Record the playgrounds and experiments named, or all."""
    for name in names or [*small.PLAYS, *RECORDINGS]:
        write(name, RECORDINGS[name]() if name in RECORDINGS else record(name))


if __name__ == "__main__":
    main(sys.argv[1:])

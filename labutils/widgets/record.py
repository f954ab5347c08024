"""Record what the playgrounds show before their first click: `python -m labutils.widgets.record [TASK ...]`.

Every recorded run is a real training of this code, with what it depends on beside it. To be run anew when the phantoms
or the training step change.
"""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

from labutils.widgets import instant, small
from labutils.widgets.play import RECORDED


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


def main(names: list[str]) -> None:
    """Record the playgrounds and experiments named, or all."""
    for name in names or [*small.PLAYS, *instant.RECORDINGS]:
        write(name, instant.RECORDINGS[name]() if name in instant.RECORDINGS else record(name))


if __name__ == "__main__":
    main(sys.argv[1:])

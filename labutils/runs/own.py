"""Where runs are kept that a student trains: in the student's folder, with the lab's runs to read beside them."""

from __future__ import annotations

from labutils import paths
from labutils.config import RunConfig
from labutils.runs.run import Run
from labutils.runs.store import RunStore


class OwnStore(RunStore):
    """`my-lab/runs`: writes there; what is not there, or shorter, is looked for in the lab's store, and only read."""

    def __init__(self) -> None:
        super().__init__(paths.my_lab_dir() / "runs")

    def find(self, config: RunConfig, fingerprint: str) -> Run | None:
        """The stored run with these settings on this data: the student's, or the lab's if that is longer."""
        own, labs = super().find(config, fingerprint), RunStore().find(config, fingerprint)
        if own is None or labs is None:
            return own or labs
        return labs if labs.epochs > own.epochs else own


def chosen_store() -> RunStore:
    """The store for whoever did not name one: the student's own in the student's folder, else the lab's."""
    return OwnStore() if paths.in_my_lab() else RunStore()

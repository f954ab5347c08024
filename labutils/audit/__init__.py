"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.against import against_simple, tell_simple
from labutils.audit.growth import growth
from labutils.audit.judge import audit
from labutils.audit.tables import baseline_table, file_baselines, run_table, truth_table

__all__ = [
    "against_simple",
    "audit",
    "baseline_table",
    "file_baselines",
    "growth",
    "run_table",
    "tell_simple",
    "truth_table",
]

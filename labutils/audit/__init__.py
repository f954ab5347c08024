"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.against import against_simple, tell_simple
from labutils.audit.baselines import baseline_table, beside_runs, file_baselines, run_table, truth_table
from labutils.audit.growth import growth
from labutils.audit.judge import audit

__all__ = [
    "against_simple",
    "audit",
    "baseline_table",
    "beside_runs",
    "file_baselines",
    "growth",
    "run_table",
    "tell_simple",
    "truth_table",
]

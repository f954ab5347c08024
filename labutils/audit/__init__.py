"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.baselines import baseline_table, beside_runs, file_baselines, run_table, truth_table
from labutils.audit.judge import audit

__all__ = ["audit", "baseline_table", "beside_runs", "file_baselines", "run_table", "truth_table"]

"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.baselines import baseline_table, beside, beside_runs, file_baselines, simple_cells
from labutils.audit.judge import audit

__all__ = ["audit", "baseline_table", "beside", "beside_runs", "file_baselines", "simple_cells"]

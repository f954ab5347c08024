"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.judge import audit
from labutils.audit.simple import baseline_table, beside

__all__ = ["audit", "baseline_table", "beside"]

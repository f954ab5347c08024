"""What images give away before anything is trained: copies across splits, unreadable files, shortcuts."""

from labutils.audit.against import against_simple, growth, tell_simple
from labutils.audit.judge import audit
from labutils.audit.tables import baseline_table, file_baselines, run_table, truth_table

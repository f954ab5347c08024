"""Evidence: what stored runs show, how sure one can be of it, and what it says about the lab report's claims."""

from labutils.evaluate.card import card
from labutils.evaluate.claims import (
    CLAIMS,
    Verdict,
    counts,
    judge,
    judge_all,
    judge_real,
    judge_task,
    with_seeds,
    with_stored,
)
from labutils.evaluate.curves import best
from labutils.evaluate.exam import exam_accuracy
from labutils.evaluate.metrics import accuracy, auc, class_recall
from labutils.evaluate.sentences import say, tell
from labutils.evaluate.tables import (
    best_table,
    class_table,
    exam_table,
    gap_table,
    group_seeds,
    network_table,
    paired_table,
    power_table,
    quality_table,
    reach_table,
    real_table,
    time_table,
    verdict_table,
)
from labutils.evaluate.validation import about_real, flattery, reversal

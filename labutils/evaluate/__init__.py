"""Evidence: what stored runs show, how sure one can be of it, and what it says about the lab report's claims.

`metrics` judges one epoch of a run, `curves` how it developed, `compare` how two differ on validation images, `exam`
and `effects` how settings differ on the exam. `findings` puts each of these measures into a word, by the limits in
`rules`; `claims` (verdicts), `sentences` and `tables` print what was found; `card` shows it all: one picture, one
sentence, a verdict, and the tables below. Nothing here trains or predicts.
"""

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
    seed_table,
    time_table,
    verdict_table,
)
from labutils.evaluate.validation import about_real, flattery, reversal

__all__ = [
    "CLAIMS",
    "Verdict",
    "about_real",
    "accuracy",
    "auc",
    "best",
    "best_table",
    "card",
    "class_recall",
    "class_table",
    "counts",
    "exam_accuracy",
    "exam_table",
    "flattery",
    "gap_table",
    "group_seeds",
    "judge",
    "judge_all",
    "judge_real",
    "judge_task",
    "network_table",
    "paired_table",
    "power_table",
    "quality_table",
    "reach_table",
    "real_table",
    "reversal",
    "say",
    "seed_table",
    "tell",
    "time_table",
    "verdict_table",
    "with_seeds",
    "with_stored",
]

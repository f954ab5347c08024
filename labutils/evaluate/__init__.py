"""Evidence: what stored runs show, how sure one can be of it, and what it says about the lab report's claims.

`metrics` judges one epoch of a run, `curves` how it developed, `compare` how two differ; `claims` (with `findings` and
`verdicts`) judges what the report concludes; `lab` is the report as data; `tables` shows it all. Nothing here trains,
predicts or draws.
"""

from labutils.evaluate import lab
from labutils.evaluate.claims import CLAIMS, judge, judge_all
from labutils.evaluate.compare import (
    ComparisonError,
    McNemar,
    accuracy_difference,
    gap_difference,
    loss_difference,
    mcnemar,
)
from labutils.evaluate.curves import (
    Best,
    Spread,
    accuracy_gap,
    best,
    epochs_to_loss,
    epochs_to_reach,
    loss_gap,
    loss_rise,
    overfitting_epoch,
    smooth,
    spread,
)
from labutils.evaluate.metrics import (
    Bin,
    Estimate,
    accuracy,
    auc,
    brier_score,
    class_recall,
    confusion_matrix,
    correct,
    elementwise_accuracy,
    image_losses,
    predicted_labels,
    reliability_curve,
    wilson_interval,
)
from labutils.evaluate.tables import (
    class_table,
    group_seeds,
    run_table,
    seed_table,
    verdict_table,
)
from labutils.evaluate.verdicts import Claim, Verdict

__all__ = [
    "CLAIMS",
    "Best",
    "Bin",
    "Claim",
    "ComparisonError",
    "Estimate",
    "McNemar",
    "Spread",
    "Verdict",
    "accuracy",
    "accuracy_difference",
    "accuracy_gap",
    "auc",
    "best",
    "brier_score",
    "class_recall",
    "class_table",
    "confusion_matrix",
    "correct",
    "elementwise_accuracy",
    "epochs_to_loss",
    "epochs_to_reach",
    "gap_difference",
    "group_seeds",
    "image_losses",
    "judge",
    "judge_all",
    "lab",
    "loss_difference",
    "loss_gap",
    "loss_rise",
    "mcnemar",
    "overfitting_epoch",
    "predicted_labels",
    "reliability_curve",
    "run_table",
    "seed_table",
    "smooth",
    "spread",
    "verdict_table",
    "wilson_interval",
]

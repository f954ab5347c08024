"""How far a prediction gets without looking: by brightness, colour, file size or 16x16 pixels alone.

A network that does no better than these has learnt nothing about the disease. Each score comes from a logistic
regression on a few numbers per image, fitted on the training images and judged on the validation images.
"""

from dataclasses import dataclass

import numpy as np

from labutils.statistics import mean_auc_interval


@dataclass(frozen=True)
class Score:
    """An area under the ROC curve with its 95 % interval, each from 0 to 1; 0.5 is guessing."""

    auc: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"AUC {self.auc:.2f} (95 % interval {self.low:.2f} to {self.high:.2f})"


def score_features(x_train: np.ndarray, y_train: np.ndarray, x_val: np.ndarray, y_val: np.ndarray) -> Score | None:
    """How well a linear model on a few numbers per image tells the classes apart.

    Parameters
    ----------
    x_train, x_val : ndarray, (n, features)
    y_train, y_val : ndarray, (n,), int

    Returns
    -------
    Score or None
        On the validation images; None where a class of either split is missing in the other.
    """
    classes = np.unique(y_train)
    if len(classes) < 2 or not np.array_equal(classes, np.unique(y_val)):
        return None
    if np.ptp(x_train, axis=0).max() == 0:
        # Nothing to go by: every image gets the same score.
        return score_probabilities(y_val, np.zeros((len(y_val), len(classes))))
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Hundreds of correlated pixels for a thousand images: without a strong penalty the model learns noise and
    # would hide the very shortcut it is to find.
    penalty = 1.0 if x_train.shape[1] < 10 else 0.01
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=1000))
    model.fit(x_train, y_train)
    return score_probabilities(y_val, model.predict_proba(x_val))


def score_probabilities(y: np.ndarray, probabilities: np.ndarray) -> Score:
    """The area under the ROC curve; with several classes the mean over each class against the rest.

    The interval is that of `statistics.mean_auc_interval`.

    Parameters
    ----------
    y : ndarray, (n,), int
        Labels; each class of `probabilities` occurs, in sorted order.
    probabilities : ndarray, (n, classes)

    Returns
    -------
    Score
    """
    return Score(*mean_auc_interval(y, probabilities))

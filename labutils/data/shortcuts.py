"""How far a prediction gets without looking: by brightness, colour, file size or 16x16 pixels alone.

A network that does no better than these has learnt nothing about the disease. Each score comes from a logistic
regression on a few numbers per image, fitted on the training images and judged on the validation images.
"""

from dataclasses import dataclass

import numpy as np

_CONFIDENCE = 1.959964  # two-sided 95 % of the normal distribution


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
        return Score(0.5, 0.5, 0.5)
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

    The interval follows from how much each image moves the area (DeLong, DeLong and Clarke-Pearson 1988,
    Biometrics 44:837), summed over images for the mean over classes; it ends at 0 and 1.

    Parameters
    ----------
    y : ndarray, (n,), int
        Labels; each class of `probabilities` occurs, in sorted order.
    probabilities : ndarray, (n, classes)

    Returns
    -------
    Score
    """
    from scipy.stats import rankdata

    areas, influence = [], np.zeros(len(y))
    for column, label in enumerate(np.unique(y)):
        score, positive = probabilities[:, column], y == label
        n_positive, n_negative = positive.sum(), (~positive).sum()
        # For each image, the share of the other side that it is ranked rightly against; ties count half.
        share = rankdata(score)
        share[positive] = (share[positive] - rankdata(score[positive])) / n_negative
        share[~positive] = 1 - (share[~positive] - rankdata(score[~positive])) / n_positive
        area = share[positive].mean()
        areas.append(area)
        influence += (share - area) / np.where(positive, n_positive, n_negative)
    auc = float(np.mean(areas))
    margin = _CONFIDENCE * float(np.sqrt(np.sum((influence / len(areas)) ** 2)))
    return Score(auc, max(0.0, auc - margin), min(1.0, auc + margin))

"""What the exercises are tested with: inputs, and the mistakes that are recognised by name."""

from labutils.course.checks.case import Case, Check, Mistake
from labutils.course.checks.curves import CHECKS as _CURVES
from labutils.course.checks.layers import CHECKS as _LAYERS
from labutils.course.checks.metrics import CHECKS as _METRICS
from labutils.course.checks.networks import CHECKS as _NETWORKS
from labutils.course.checks.pictures import CHECKS as _PICTURES

CHECKS: dict[str, Check] = {check.name: check for check in (*_CURVES, *_NETWORKS, *_METRICS, *_LAYERS, *_PICTURES)}
"""The checks by the exercise's name."""

__all__ = ["CHECKS", "Case", "Check", "Mistake"]

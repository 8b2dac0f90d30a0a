"""Every metric of maps: one declared class each, found by its name.

Importing the declarations does not load PyTorch or NumPy; measuring does.
"""

from importlib import import_module
from pkgutil import iter_modules

from pda_studio.metrics.fidelity_metrics.base import (
    FIDELITY_METRICS,
    FidelityMetric,
    MetricSettings,
    Subjects,
)

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # defining a metric enters it into the registry

__all__ = ["FIDELITY_METRICS", "FidelityMetric", "MetricSettings", "Subjects"]

"""Every way to explain a decision: one declared class each, found through the registry.

Importing it loads no PyTorch: what a method is can be known long before it works.
"""

from importlib import import_module
from pkgutil import iter_modules

from pda_studio.errors import UsageError
from pda_studio.methods.base import METHODS, Method, Progress, by_family, run

# Prediction difference analysis leads every list; the others follow in the order of their modules.
_FIRST = ("multiscale", "prediction_difference")
for _module in sorted(iter_modules(__path__), key=lambda found: found.name not in _FIRST):
    import_module(f"{__name__}.{_module.name}")  # defining a method enters it into the registry


def method_named(name: str) -> type[Method]:
    """Find a method by its name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in METHODS:
        raise UsageError(f"There is no method “{name}”: choose one of {', '.join(METHODS)}.")
    return METHODS[name]


__all__ = [
    "METHODS",
    "Method",
    "Progress",
    "by_family",
    "method_named",
    "run",
]

"""Every way to explain a decision: one declared class each, found through the registry.

Importing it loads no PyTorch: what a method is can be known long before it works.
"""

from importlib import import_module
from pkgutil import iter_modules

from pda_studio.errors import UsageError
from pda_studio.methods.base import COMBINING, METHODS, Method, Progress, by_family, run

# These lead every list; the others follow in the order of their modules' names.
_FIRST = ["prediction_difference", "multiscale", "gradients"]
_MODULES = {found.name for found in iter_modules(__path__)}
for _module in [*_FIRST, *sorted(_MODULES - set(_FIRST))]:
    import_module(f"{__name__}.{_module}")  # defining a method enters it into the registry


def method_named(name: str) -> type[Method]:
    """Find a method by its name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name in COMBINING:
        return COMBINING[name]
    if name not in METHODS:
        raise UsageError(f"There is no method “{name}”: choose one of {', '.join(METHODS)}.")
    return METHODS[name]


__all__ = [
    "COMBINING",
    "METHODS",
    "Method",
    "Progress",
    "by_family",
    "method_named",
    "run",
]

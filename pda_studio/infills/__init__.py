"""Every infill, what replaces the removed pixels: one declared class each, found by its name.

Importing the declarations does not load PyTorch; making a filler does.
"""

from importlib import import_module
from pkgutil import iter_modules

from pda_studio.errors import UsageError
from pda_studio.infills.base import INFILLS, Distribution, Infill, InfillSettings
from pda_studio.infills.regions import AUTO, region_infill, region_infills

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # defining an infill enters it into the registry


def infill_named(name: str) -> Infill:
    """Find an infill by its name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in INFILLS:
        raise UsageError(f"There is no infill “{name}”: choose one of {', '.join(INFILLS)}.")
    return INFILLS[name]


__all__ = [
    "AUTO",
    "INFILLS",
    "Distribution",
    "Infill",
    "InfillSettings",
    "infill_named",
    "region_infill",
    "region_infills",
]

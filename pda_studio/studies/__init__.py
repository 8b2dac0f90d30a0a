"""Every study: one declared class each, found through the registry.

Importing it loads no PyTorch: what a study takes can be known long before it works.
"""

from importlib import import_module
from pkgutil import iter_modules

from pda_studio.errors import UsageError
from pda_studio.studies.base import (
    STUDIES,
    Cell,
    ClassifierInput,
    Column,
    FolderMaps,
    Inputs,
    Need,
    Study,
    StudyProgress,
    StudyResult,
    Table,
    WindowColumn,
    result_as_json,
)

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # defining a study enters it into the registry


def study_named(name: str) -> type[Study]:
    """Find a study by its name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in STUDIES:
        raise UsageError(f"There is no study “{name}”: choose one of {', '.join(STUDIES)}.")
    return STUDIES[name]


__all__ = [
    "STUDIES",
    "Cell",
    "ClassifierInput",
    "Column",
    "FolderMaps",
    "Inputs",
    "Need",
    "Study",
    "StudyProgress",
    "StudyResult",
    "Table",
    "WindowColumn",
    "result_as_json",
    "study_named",
]

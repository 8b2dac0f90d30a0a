"""PDA Studio: which pixels speak for and against an image classifier's decision.

>>> from pda_studio import explain, load_classifier, load_image
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pda_studio.attribution.needs import unusable_methods
    from pda_studio.classifiers import load_classifier
    from pda_studio.gui.showing import show
    from pda_studio.images import load_image, read_image
    from pda_studio.methods import METHODS
    from pda_studio.results import EvidenceMap
    from pda_studio.store import explain

    __version__: str

__all__ = [
    "METHODS",
    "EvidenceMap",
    "explain",
    "load_classifier",
    "load_image",
    "read_image",
    "show",
    "unusable_methods",
]

_HOMES = {
    "METHODS": "methods",
    "EvidenceMap": "results",
    "explain": "store",
    "load_classifier": "classifiers",
    "load_image": "images",
    "read_image": "images",
    "show": "gui.showing",
    "unusable_methods": "attribution.needs",
}


def __getattr__(name: str) -> Any:
    """Import what is named when it is first used: PyTorch alone takes seconds."""
    if name == "__version__":
        from importlib.metadata import version

        return version("pda-studio")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Every way to explain a decision: one declared class each, found through the registry."""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.methods.base import METHODS, Method, Parameter, Progress, run
from pda_studio.methods.evidence import EvidenceMap, Subject

for _module in iter_modules(__path__):
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


def explain(
    image: NDArray[np.uint8],
    classifier: Classifier,
    method: str = "efficient-pda",
    target: int | str | None = None,
    *,
    batch: int | None = None,
    **parameters: object,
) -> EvidenceMap:
    """Show which pixels speak for and against a decision.

    Parameters
    ----------
    image : (H, W, 3) uint8
        Any RGB picture, of any size.
    classifier : Classifier
        From `load_classifier`.
    method : str
        A name in `METHODS`.
    target : int or str, optional
        Index or name of a class; without it, the most likely one.
    batch : int, optional
        Pictures per forward pass; without it the fastest size is found while working.
    **parameters
        The method's parameters; without them, what suits the classifier.

    Returns
    -------
    EvidenceMap
        In pixels of the network's input.

    Raises
    ------
    UsageError
        If a name is unknown or a parameter out of its bounds.

    Examples
    --------
    >>> from pda_studio import explain, load_classifier, load_image
    >>> classifier = load_classifier("digits")
    >>> explain(load_image("digit.png"), classifier, stride=2).evidence.shape  # doctest: +SKIP
    (28, 28)
    """
    chosen = method_named(method).create(classifier, **parameters)
    return run(chosen.steps(Subject.of(image, classifier, target, batch)))


__all__ = [
    "METHODS",
    "EvidenceMap",
    "Method",
    "Parameter",
    "Progress",
    "Subject",
    "explain",
    "method_named",
    "run",
]

"""What is asked about, as a command line says it: a class, a contrast, or a hidden unit."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pda_studio.classifiers import Classifier

Target = Annotated[
    str | None,
    Parameter(
        metavar="CLASS",
        help="Index or name of the class that is asked about; without it, the most likely one.",
        allow_leading_hyphen=True,
    ),
]
Against = Annotated[
    str | None,
    Parameter(
        metavar="CLASS",
        help="Ask why the target rather than this class.",
        allow_leading_hyphen=True,
    ),
]
Layer = Annotated[
    str | None,
    Parameter(
        metavar="LAYER",
        help="Ask about a hidden layer instead of a class: one that pda-studio layers lists.",
    ),
]
UnitText = Annotated[
    str | None,
    Parameter(
        metavar="C[,Y,X]",
        help="Which map of the layer, or which place of it; without it, the strongest map.",
    ),
]


def check(target: str | None, against: str | None, layer: str | None, unit: str | None) -> None:
    """Refuse what does not go together, before anything is loaded.

    Raises
    ------
    UsageError
        If a class and a hidden layer are named, or a unit without its layer.
    """
    if unit is not None and layer is None:
        raise UsageError("--unit needs --layer: name the layer that the unit belongs to.")
    if layer is not None and (target is not None or against is not None):
        raise UsageError("Ask about a class (--target, --against) or a --layer, not about both.")
    if unit is not None:
        from pda_studio.classifiers.targets import Unit

        Unit.parse(unit)


def asked(
    classifier: "Classifier",
    image: "NDArray[np.uint8]",
    target: str | None,
    against: str | None,
    layer: str | None,
    unit: str | None,
) -> tuple["Classifier", str | int | None]:
    """The classifier that answers with what is asked, and which of its classes is meant.

    Raises
    ------
    UsageError
        If there is no such class, layer or unit.
    """
    from pda_studio.classifiers.targets import Unit, activations, contrast, hidden

    if layer is not None:
        if unit is None:
            maps = activations(classifier, image, layer)
            chosen = Unit(int(maps.reshape(len(maps), -1).mean(1).argmax()))
        else:
            chosen = Unit.parse(unit)
        return hidden(classifier, layer, chosen), 0
    if against is not None:
        if target is None:
            view = classifier.preprocessing.view(image)
            target = str(int(classifier.predict(view).argmax()))
        return contrast(classifier, target, against), 0
    return classifier, target

"""From an image to the model input: the options of every verb that shows an image to a network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from pda_studio.cli.options import whole
from pda_studio.errors import UsageError
from pda_studio.images.fit import CropBox, Fit
from pda_studio.images.geometry import Plane

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.images import Image


def _crop(_: type, tokens: Sequence[Token]) -> CropBox:
    """Four whole numbers from a text such as 30,40,120,120."""
    text = tokens[0].value.strip()
    numbers = re.split(r"[,;\s]+", text)
    if len(numbers) != 4 or not all(re.fullmatch("[0-9]{1,9}", one) for one in numbers):
        raise UsageError(
            "--crop takes left, top, width and height in pixels of the image with commas between"
            f" them, such as 30,40,120,120, not “{text}”."
        )
    return CropBox(*map(int, numbers))


Limits = Annotated[
    tuple[float, float] | None,
    Parameter(
        metavar="BLACK WHITE",
        help="The image's display limits: which of its values are black and white, for the network"
        " too; the larger first inverts. Without them the file's own, or what suits its values.",
        allow_leading_hyphen=True,
    ),
]


@dataclass(frozen=True)
class ModelInput:
    """What of an image the network gets, as options."""

    limits: Limits = None
    fit: Annotated[
        Fit | None,
        Parameter(
            metavar="NAME",
            help="What of the image the network gets: crop (its middle, or --crop), stretch (all"
            " of it, stretched to the input's aspect), pad (all of it, with black beside it) or"
            " full (all of it at its own resolution, where the network takes any size). Without"
            " it, what the classifier says of itself, or crop.",
            show_choices=False,
        ),
    ] = None
    crop: Annotated[
        CropBox | None,
        Parameter(
            metavar="LEFT,TOP,WIDTH,HEIGHT",
            help="The rectangle of the image that the network gets, in pixels of the image and of"
            " the input's aspect.",
            converter=_crop,
            n_tokens=1,
            accepts_keys=False,
        ),
    ] = None
    page: Annotated[
        int | None,
        Parameter(
            metavar="N",
            help="Which page, frame or slice of the file, from 1; without it the first, and of a"
            " volume the middle one.",
            validator=Number(gte=1),
            converter=whole,
        ),
    ] = None
    plane: Annotated[
        Plane | None,
        Parameter(
            metavar="NAME",
            help="In which plane a NIfTI volume is cut: axial, coronal or sagittal.",
            show_choices=False,
        ),
    ] = None

    def read(self, path: Path) -> "Image":
        """Read an image with its page, plane and limits.

        Raises
        ------
        PdaStudioError, UsageError
            As `reading.read_image` does.
        """
        from pda_studio.cli import reading

        return reading.read_image(path, self.page, self.limits, self.plane)

    def of(self, classifier: "Classifier") -> "Classifier":
        """A classifier that gets this of an image.

        Raises
        ------
        UsageError
            If it cannot.
        """
        return classifier.with_fit(self.fit, self.crop)


InputOptions: Any = Annotated[ModelInput | None, Parameter(name="*")]

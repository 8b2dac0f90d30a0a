"""The open work as one immutable value: what undo steps through and what a saved file holds."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import AfterValidator

from pda_studio.document.operations import Operation
from pda_studio.images import DisplayLimits, Image, Pixels, image_of
from pda_studio.images.fit import CropBox, Fit
from pda_studio.methods import Method
from pda_studio.methods.prediction_difference import EfficientPDA
from pda_studio.rendering import panel_styles
from pda_studio.targets import Target

SUFFIX = ".pdastudio"
"""Of files of saved work."""


def _known_style(name: str) -> str:
    if name not in panel_styles():
        raise ValueError(f"there is no panel style “{name}”")
    return name


PanelStyleName = Annotated[str, AfterValidator(_known_style)]
"""What the panels of a column show, by its name among `panel_styles`."""


@dataclass(frozen=True, eq=False)
class SourceImage:
    """An opened image.

    Attributes
    ----------
    name : str
        Its file name, for captions.
    path : Path or None
        Where it came from.
    image : Image
        All of it, at its own size and depth.
    digest : str
        See `image_digest`.
    """

    name: str
    path: Path | None
    image: Image
    digest: str

    @classmethod
    def of(cls, name: str, image: Pixels | Image, path: Path | None = None) -> "SourceImage":
        """An image, or pixels (H, W, 3) uint8, with its digest."""
        opened = image_of(image)
        return cls(name, path, opened, image_digest(opened))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.image.width, self.image.height

    @property
    def pixels(self) -> Pixels:
        """What is shown, (H, W, 3)."""
        return self.image.pixels

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was left out or had to be decided as it was read."""
        return self.image.notes

    def with_limits(self, limits: DisplayLimits) -> "SourceImage":
        """The same image with other display limits."""
        return self.of(self.name, self.image.with_limits(limits), self.path)


def image_digest(image: Pixels | Image) -> str:
    """Hash of an image's values and display limits: the same image, the same digest."""
    opened = image_of(image)
    if opened.is_eight_bit:
        values: NDArray[Any] = opened.pixels
        kind = ""
    else:
        limits = opened.limits.black, opened.limits.white
        values, kind = opened.values, f"{opened.values.dtype} {limits}"
    salt = repr(values.shape).encode()[:16]
    digest = blake2b(values.tobytes(), digest_size=16, salt=salt)
    digest.update(kind.encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class ClassifierChoice:
    """Which classifier is open: its name or file, and its weights, as `load_classifier` has it.

    Attributes
    ----------
    name : str
        In the catalogue, or a file.
    weights : str or None
        Where its weights come from.
    fit : {"crop", "stretch", "pad", "full"}, optional
        What of an image it gets: see `Preprocessing`. Without it, what it says of itself.
    crop : CropBox, optional
        The rectangle of the opened image that it gets, with the fit `crop`.
    """

    name: str = "digits"
    weights: str | None = None
    fit: Fit | None = None
    crop: CropBox | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file that holds the network, by its whole path, and no name."""
        return Path(self.name).is_absolute()

    @property
    def network(self) -> tuple[str, str | None]:
        """The name and the weights, whatever of an image it gets."""
        return self.name, self.weights

    @property
    def title(self) -> str:
        """The name; of a file, its name without its folder."""
        return Path(self.name).name if self.is_file else self.name

    @property
    def described(self) -> str:
        """The title, with the file of the weights, or what else they are, where they are named."""
        return f"{self.title} ({Path(self.weights).name})" if self.weights else self.title


@dataclass(frozen=True)
class About:
    """What is known of a classifier before it is loaded."""

    name: str
    input_size: int
    classes: int
    megabytes: float
    at_hand: bool


@dataclass(frozen=True)
class Row:
    """A row of panels: the image, a variant made from it by operations, or another image.

    Attributes
    ----------
    key : int
        Tells it from the other rows as long as it is there.
    operations : tuple
        What is done to the image.
    image : SourceImage or None
        An image of its own; without it, the opened one.
    turned_back : bool
        Whether its maps are shown in the frame of the first row.
    """

    key: int
    operations: tuple[Operation, ...] = ()
    image: SourceImage | None = None
    turned_back: bool = False

    @property
    def upright(self) -> "Row":
        """The same row with its image as it was opened."""
        return replace(self, operations=())


@dataclass(frozen=True)
class Column:
    """A column of panels.

    Attributes
    ----------
    key : int
        Tells it from the other columns as long as it is there.
    method : Method
        How its maps are made.
    style : str
        How its maps are shown.
    target : Target or None
        What it asks about; without it, what the whole work asks about.
    classifier : ClassifierChoice or None
        Whom it asks; without it, the open classifier.
    suited : bool
        Whether the method was made to suit a classifier: until one is there, nothing is computed.
    """

    key: int
    method: Method
    style: PanelStyleName = "overlay"
    target: Target | None = None
    classifier: ClassifierChoice | None = None
    suited: bool = False


@dataclass(frozen=True)
class Workspace:
    """Everything that the user has opened and set; maps follow from it.

    Attributes
    ----------
    image : SourceImage or None
        The opened image.
    classifier : ClassifierChoice or None
        The opened classifier.
    target : Target or None
        What is asked about; without it, the most likely class of the image.
    rows, columns : tuple
        The panels; the first row is always the image itself.
    """

    image: SourceImage | None = None
    classifier: ClassifierChoice | None = None
    target: Target | None = None
    rows: tuple[Row, ...] = (Row(0),)
    columns: tuple[Column, ...] = (Column(0, EfficientPDA()),)

    def row(self, key: int) -> Row | None:
        """The row of this key, if it is still there."""
        for row in self.rows:
            if row.key == key:
                return row
        return None

    def column(self, key: int) -> Column | None:
        """The column of this key, if it is still there."""
        for column in self.columns:
            if column.key == key:
                return column
        return None

    def image_of(self, row: Row) -> SourceImage | None:
        """The image that a row's operations begin with."""
        return row.image or self.image

    def original_of(self, row: Row) -> Row | None:
        """The row that shows a variant's image as it was opened; None if there is none."""
        same = (one for one in self.rows if not one.operations and one.image is row.image)
        return next(same, None) if row.operations else None

    def choice_of(self, column: Column) -> ClassifierChoice | None:
        """The classifier that a column asks."""
        return column.classifier or self.classifier

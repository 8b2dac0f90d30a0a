"""How a figure is laid out, as one value: what a window sets, a file holds and a drawing takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from matplotlib.font_manager import fontManager

from pda_studio.errors import UsageError
from pda_studio.figures.typesetting import FONT
from pda_studio.rendering import panel_styles

Lettered = Literal["none", "panels", "rows", "columns"]
LetterStyle = Literal["(a)", "a)", "a", "(A)", "A)", "A"]
ColourBar = Literal["each", "shared", "none"]
Background = Literal["white", "transparent", "black"]

LETTERED: tuple[Lettered, ...] = get_args(Lettered)
LETTER_STYLES: tuple[LetterStyle, ...] = get_args(LetterStyle)
COLOUR_BARS: tuple[ColourBar, ...] = get_args(ColourBar)
BACKGROUNDS: tuple[Background, ...] = get_args(Background)

TILES = ("columns", *(name for name, style in panel_styles().items() if not style.needs))
"""What can be drawn of every map: as its column is shown, or one panel style everywhere."""

WIDTHS = {"one column": 85.0, "1.5 columns": 120.0, "two columns": 178.0}
"""Millimetres that journals give a figure."""

PAGE_HEIGHT = 245.0
"""Millimetres that a page of a journal has for a figure."""

WIDTH_BOUNDS = 20.0, 500.0
HEIGHT_BOUNDS = 20.0, 2000.0
DPI_BOUNDS = 50, 1200
SIZE_BOUNDS = 3.0, 24.0
INPUT = -1
"""In place of a column's key: the column of the images."""

_LONGEST = 10_000  # characters of a text
_FAMILIES = (
    "DejaVu Sans", "Arial", "Helvetica", "Liberation Sans", "Noto Sans", "Open Sans", "Roboto",
    "Source Sans Pro", "Verdana", "Calibri",
    "DejaVu Serif", "Times New Roman", "Liberation Serif", "Noto Serif", "STIXGeneral", "Georgia",
    "Cambria", "DejaVu Sans Mono",
)  # fmt: skip


@dataclass(frozen=True)
class Composition:
    """How a figure of a grid of maps is laid out.

    Rows and columns are named by their keys and stand as they do in the work; keys of what is
    gone are passed over.

    Attributes
    ----------
    hidden_rows, hidden_columns : tuple of int
        What is left out.
    show_input : bool
        Whether each row begins with its image.
    tiles : str
        What is drawn of each map, one of `TILES`: "columns" draws it as its column is shown in
        the window, a panel style's name the same everywhere.
    show_headline : bool
        Whether the target stands over the figure, if all maps have the same.
    show_titles, show_labels : bool
        Whether columns and rows are named.
    titles, labels : Mapping of int to str
        Names of columns and rows, by key, where they are not the usual ones; `INPUT` is the
        column of the images.
    show_numbers : bool
        Whether probabilities, and how far views agree, are stated.
    show_caption : bool
        Whether a text stands below.
    caption : str
        That text; "" for one that says how the maps were made.
    letters : {"none", "panels", "rows", "columns"}
        What is numbered by letters.
    letter_style : str
        The form of the first.
    colour_bar : {"each", "shared", "none"}
        One below each map; one for all maps of a unit, which then share their scale; or none.
    font : str
        A family; where it is not installed, DejaVu Sans.
    font_size : float
        Of most of the text, in points.
    width : float
        Of the figure, in millimetres.
    height : float
        That the figure has at most, in millimetres: where one table would be higher, its images
        are smaller, its columns wrapped or its rows split into blocks side by side.
    dpi : int
        Dots per inch of bitmaps; edges are put on whole dots in every kind of file.
    background : {"white", "transparent", "black"}
        What the figure stands on.

    Raises
    ------
    UsageError
        If a value is none of those.
    """

    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    show_input: bool = True
    tiles: str = "columns"
    show_headline: bool = True
    show_titles: bool = True
    titles: Mapping[int, str] = field(default_factory=dict)
    show_labels: bool = True
    labels: Mapping[int, str] = field(default_factory=dict)
    show_numbers: bool = True
    show_caption: bool = True
    caption: str = ""
    letters: Lettered = "none"
    letter_style: LetterStyle = "(a)"
    colour_bar: ColourBar = "each"
    font: str = FONT
    font_size: float = 7.5
    width: float = WIDTHS["two columns"]
    height: float = PAGE_HEIGHT
    dpi: int = 300
    background: Background = "white"

    def __post_init__(self) -> None:
        _check_keys("rows", self.hidden_rows)
        _check_keys("columns", self.hidden_columns)
        for one in fields(self):
            if one.name.startswith("show_") and not isinstance(getattr(self, one.name), bool):
                what = one.name.removeprefix("show_")
                raise UsageError(f"Whether a figure shows its {what} is true or false.")
        _check_choice("tiles", self.tiles, TILES)
        _check_choice("letters", self.letters, LETTERED)
        _check_choice("letter style", self.letter_style, LETTER_STYLES)
        _check_choice("colour bar", self.colour_bar, COLOUR_BARS)
        _check_choice("background", self.background, BACKGROUNDS)
        _check_texts("titles", self.titles)
        _check_texts("labels", self.labels)
        _check_text("caption", self.caption)
        _check_text("font", self.font)
        _check_number("font size", self.font_size, *SIZE_BOUNDS, "points")
        _check_number("width", self.width, *WIDTH_BOUNDS, "mm")
        _check_number("height", self.height, *HEIGHT_BOUNDS, "mm")
        _check_number("resolution", self.dpi, *DPI_BOUNDS, "dots per inch")
        if not isinstance(self.dpi, int):
            raise UsageError(f"The resolution of a figure cannot be {self.dpi!r}: whole dots.")

    def replace(self, **changes: Any) -> Composition:
        """A copy with other values."""
        return replace(self, **changes)

    def habits(self) -> Composition:
        """What holds for figures of other work, too: all but what names its rows and columns."""
        return self.replace(hidden_rows=(), hidden_columns=(), titles={}, labels={}, caption="")

    def as_json(self) -> dict[str, Any]:
        """All values as JSON can hold them."""
        values = asdict(self)
        for name in ("titles", "labels"):
            values[name] = {str(key): text for key, text in values[name].items()}
        for name in ("hidden_rows", "hidden_columns"):
            values[name] = list(values[name])
        return values

    @classmethod
    def from_json(cls, values: object) -> Composition:
        """Read what `as_json` wrote; what an older version did not know gets its usual value.

        Raises
        ------
        UsageError
            If it is nothing of the kind, or holds a value that cannot be.
        """
        if not isinstance(values, Mapping):
            raise UsageError("The layout of the figure cannot be read: it is no JSON object.")
        names = {one.name for one in fields(cls)}
        known = {str(name): value for name, value in values.items() if name in names}
        try:
            for name in {"titles", "labels"} & known.keys():
                known[name] = {int(key): text for key, text in known[name].items()}
            for name in {"hidden_rows", "hidden_columns"} & known.keys():
                known[name] = tuple(known[name])
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageError("The layout of the figure cannot be read: it is damaged.") from error
        return cls(**known)


@lru_cache
def fonts() -> tuple[str, ...]:
    """Families that figures can be set in here: as TrueType, which can be embedded."""
    installed = {
        entry.name for entry in fontManager.ttflist if Path(entry.fname).suffix.lower() == ".ttf"
    }
    return tuple(family for family in _FAMILIES if family in installed)


def _check_keys(what: str, keys: object) -> None:
    if not isinstance(keys, tuple) or not all(type(key) is int for key in keys):
        raise UsageError(f"The {what} that a figure leaves out cannot be {keys!r}: name keys.")


def _check_choice(what: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(f"“{choice}”" for choice in choices)
        raise UsageError(f"The {what} of a figure cannot be {value!r}: choose one of {listed}.")


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise UsageError(f"The {what} of a figure must be a text of at most {_LONGEST} signs.")


def _check_texts(what: str, texts: object) -> None:
    if not isinstance(texts, Mapping) or not all(type(key) is int for key in texts):
        raise UsageError(f"The {what} of a figure cannot be {texts!r}: a text for each key.")
    for text in texts.values():
        _check_text(what, text)


def _check_number(what: str, value: object, low: float, high: float, unit: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= float(str(value)) <= high:
        raise UsageError(
            f"The {what} of a figure cannot be {value!r}: from {low:g} to {high:g} {unit}."
        )

"""The open work as one immutable value: what undo steps through and what a saved file holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pda_studio.gui.models.operations import Operation

Style = Literal["map", "overlay", "both"]
"""A column shows the heat map, the map laid over the picture, or both side by side."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An opened picture.

    Attributes
    ----------
    name : str
        Its file name, for captions.
    path : Path or None
        Where it came from.
    image : (H, W, 3) uint8
        All of it, at its own size.
    digest : str
        Hash of its pixels: the same picture, the same digest.
    """

    name: str
    path: Path | None
    image: NDArray[np.uint8]
    digest: str


@dataclass(frozen=True)
class ClassifierChoice:
    """Which classifier is open: its name and its weights, as `load_classifier` takes them."""

    name: str = "digits"
    weights: str | None = None


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
    """A row of panels: the picture, or a variant made from it by operations."""

    key: int
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of panels: a method with all its parameters; empty until a classifier is there."""

    key: int
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    style: Style = "map"


@dataclass(frozen=True)
class Work:
    """Everything that the user has opened and set; maps follow from it.

    Attributes
    ----------
    picture : Picture or None
        The opened picture.
    classifier : ClassifierChoice or None
        The opened classifier.
    target : int or None
        The class that is asked about; without it, the most likely one of the picture.
    rows, columns : tuple
        The panels; the first row is always the picture itself.
    """

    picture: Picture | None = None
    classifier: ClassifierChoice | None = None
    target: int | None = None
    rows: tuple[Row, ...] = (Row(0),)
    columns: tuple[Column, ...] = (Column(0, "efficient-pda"),)

    def row(self, key: int) -> Row | None:
        """The row of this key, if it is still there."""
        return next((row for row in self.rows if row.key == key), None)

    def column(self, key: int) -> Column | None:
        """The column of this key, if it is still there."""
        return next((column for column in self.columns if column.key == key), None)

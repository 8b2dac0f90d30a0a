"""What a figure is made of: rows of images, columns of maps; values without a window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pda_studio.errors import UsageError
from pda_studio.figures.composition import Composition
from pda_studio.figures.saving import About
from pda_studio.figures.typesetting import clean
from pda_studio.figures.words import details
from pda_studio.images import View
from pda_studio.rendering import Appearance, PanelStyle, panel_styles
from pda_studio.results import EvidenceMap, Result, map_in


@dataclass(frozen=True)
class Column:
    """A column of maps.

    Attributes
    ----------
    key : int
        Tells it from the others.
    title : str
        Its usual name.
    style : str
        What is drawn of its maps, by its name among `panel_styles`, unless a composition says
        otherwise.
    """

    key: int
    title: str
    style: str = "map"

    @property
    def choice(self) -> PanelStyle:
        """What is drawn of its maps."""
        return panel_styles()[self.style]

    def layer(self, row: Row, appearance: Appearance) -> EvidenceMap:
        """The map that is drawn in a row: the row's, or what the style shows of it.

        Raises
        ------
        UsageError
            If the map lacks what the style needs.
        """
        style = self.choice.styles(appearance)[0]
        layer = style.layer(map_in(row.maps[self.key]))
        if layer is None:
            raise UsageError(
                f"{self.title} of “{row.label}” has no {style.needs.replace('_', ' ')} to draw:"
                " choose another display of the column."
            )
        return layer


@dataclass(frozen=True, eq=False)
class Row:
    """An image and the maps of it.

    Attributes
    ----------
    key : int
        Tells it from the others.
    label : str
        Its usual name.
    view : (H, W, 3) uint8 or float32, or None
        The image as the network sees it; None as long as no map of it is finished.
    maps : Mapping of int to EvidenceMap
        Those that are finished, by their column's key, in the frame in which they are shown.
    agreements : Mapping of int to str
        How far they agree with the first row's, in a few words.
    """

    key: int
    label: str
    view: View | None
    maps: Mapping[int, Result]
    agreements: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Grid:
    """Everything that can stand in a figure.

    Attributes
    ----------
    title : str
        What it is of.
    rows : tuple of Row
        From top to bottom.
    columns : tuple of Column
        From left to right.
    appearance : Appearance
        How maps are drawn.
    partial : bool
        Whether a row may be without some of the columns.
    """

    title: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    appearance: Appearance = field(default_factory=Appearance)
    partial: bool = False

    def chosen(self, composition: Composition) -> Grid:
        """The rows and columns that a composition shows, under the names that it gives them."""
        rows = tuple(
            Row(row.key, composition.labels.get(row.key) or row.label, row.view, row.maps,
                row.agreements)
            for row in self.rows
            if row.key not in composition.hidden_rows
        )  # fmt: skip
        columns = tuple(
            Column(
                column.key,
                composition.titles.get(column.key) or column.title,
                column.style
                if composition.tiles == "columns" or column.choice.needs
                else composition.tiles,
            )
            for column in self.columns
            if column.key not in composition.hidden_columns
        )
        return Grid(self.title, rows, columns, self.appearance, self.partial)

    @property
    def maps(self) -> list[Result]:
        """All maps, row by row."""
        return [
            row.maps[column.key]
            for row in self.rows
            for column in self.columns
            if column.key in row.maps
        ]

    @property
    def target(self) -> str:
        """What all maps are about; "" if they are not about the same."""
        names = {one.target_name for one in self.maps}
        return names.pop() if len(names) == 1 else ""

    def missing(self) -> str:
        """Which maps are not there, in one sentence; "" if all are."""
        gone = [
            f"{column.title} of “{row.label}”"
            for row in self.rows
            for column in self.columns
            if column.key not in row.maps
        ]
        if not gone:
            return ""
        named = gone[0] if len(gone) == 1 else f"{', '.join(gone[:2])}"
        more = f" and {len(gone) - 2} more" if len(gone) > 2 else ""
        verb = "is" if len(gone) == 1 else "are"
        what = "map" if len(gone) == 1 else "maps"
        return (
            f"{len(gone)} {what} {verb} not finished ({named}{more}): wait, press Run, or leave"
            " them out."
        )

    def details(self, column: Column) -> str:
        """How a column differs from the others of the same method."""
        first = next((row for row in self.rows if column.key in row.maps), None)
        return "" if first is None else details(first.maps[column.key], self.maps)

    def full_title(self, column: Column) -> str:
        """A column's name, and how it differs from others of that name."""
        same = sum(other.title == column.title for other in self.columns) > 1
        more = self.details(column) if same else ""
        return f"{column.title} ({more})" if more else column.title

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises
        ------
        UsageError
            If there is nothing to draw, or a map is missing.
        """
        if not self.rows or not self.columns:
            raise UsageError("There is nothing to draw: choose at least one row and one column.")
        if not self.partial and (missing := self.missing()):
            raise UsageError(missing)


def about(grid: Grid, composition: Composition) -> About:
    """What a figure's file states: its layout, how its maps are drawn, and how each was made."""
    shown = grid.chosen(composition)
    maps = [
        {
            "row": row.label,
            "column": column.title,
            "method": one.method,
            "parameters": one.parameters,
            "target": one.target_name,
            "probability" if one.has_probability else "value": round(one.value, 6),
            "unit": one.unit,
            "limit": round(one.limit, 6) if isinstance(one, EvidenceMap) else None,
            "classifier": one.classifier,
            "weights": one.weights,
            "fingerprint": one.fingerprint,
            "how": one.how,
            "agreement": row.agreements.get(column.key, ""),
        }
        for row in shown.rows
        for column in shown.columns
        if (one := row.maps.get(column.key)) is not None
    ]
    values = {
        "composition": composition.as_json(),
        "appearance": grid.appearance.as_json(),
        "maps": maps,
    }
    title = ", ".join(filter(None, (grid.title, shown.target)))
    return About(clean(title), json.dumps(values, default=str))

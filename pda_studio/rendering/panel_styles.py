"""What the panels of a column show: one overlay style, or the heat map beside an overlay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from pda_studio.rendering.style import STYLES, OverlayStyle

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance


@dataclass(frozen=True)
class PanelStyle:
    """A choice for a column.

    Attributes
    ----------
    name : str
        In files.
    title, help, icon : str
        As those of an `OverlayStyle`.
    parts : tuple of str
        Names of the styles side by side; "" stands for the appearance's overlay style.
    """

    name: str
    title: str
    help: str
    icon: str
    parts: tuple[str, ...]

    def styles(self, appearance: Appearance) -> tuple[OverlayStyle, ...]:
        """The styles that are drawn side by side."""
        return tuple([STYLES[part or appearance.style] for part in self.parts])

    @cached_property
    def needs(self) -> str:
        """The field of a map without which it shows nothing; "" for none."""
        return next((STYLES[part].needs for part in self.parts if part), "")

    @cached_property
    def note(self) -> str:
        """What follows the name of a column that shows it."""
        return next((STYLES[part].note for part in self.parts if part), "")


def panel_styles() -> Mapping[str, PanelStyle]:
    """All choices by name: styles that stand by themselves, the overlay, and both side by side."""
    return _choices(tuple(STYLES.values()))


@cache
def _choices(styles: tuple[OverlayStyle, ...]) -> Mapping[str, PanelStyle]:
    single = sorted((s for s in styles if not s.over_image), key=lambda s: s.order)
    alone = [PanelStyle(s.name, s.title, s.help, s.icon, (s.name,)) for s in single]
    overlay = PanelStyle(
        "overlay", "Overlay", "The map over the grey image.", "style-overlay", ("",)
    )
    both = PanelStyle(
        "both", "Both", "Heat map and overlay side by side.", "style-both", ("map", "")
    )
    return {choice.name: choice for choice in (alone[0], overlay, both, *alone[1:])}


def shown_by_every_map(name: str) -> str:
    """A choice by name, or the heat map's where that choice needs what a map may lack."""
    return "map" if panel_styles()[name].needs else name


def overlay_styles() -> list[OverlayStyle]:
    """The styles that an overlay can have."""
    return sorted((s for s in STYLES.values() if s.over_image), key=lambda s: s.order)

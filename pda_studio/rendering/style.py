"""Overlay styles: every way to draw a map is one declared class, found through `STYLES`.

A new style is one file in `rendering/styles/`; menus, the display box, panels and figures find it
here. Its icon is a file `icons/<icon>.svg` among the resources.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pda_studio.images import shown_pixels
from pda_studio.rendering.contours import Contour
from pda_studio.rendering.scales import scale_end

if TYPE_CHECKING:
    from pda_studio.rendering.appearance import Appearance
    from pda_studio.results import EvidenceMap

_LUMINANCE = np.array((0.299, 0.587, 0.114))


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a style draws of a map, before opacity: three layers of pixels, and lines over them.

    Attributes
    ----------
    ground : (H, W, C) float
        What lies below, from 0 to 1; C is 1 (grey) or 3.
    colours : (H, W, 3) float
        The evidence, from 0 to 1.
    cover : (H, W, 1) float or None
        How much of the ground the evidence hides at full opacity, from 0 to 1; None if it hides
        all of it at every opacity.
    lines : tuple of Contour
        In pixels of the map, weakest first: drawn as paths, so that they are sharp at every size.
    """

    ground: NDArray[Any]
    colours: NDArray[Any]
    cover: NDArray[Any] | None = None
    lines: tuple[Contour, ...] = ()

    def at(self, opacity: float) -> NDArray[np.uint8]:
        """The pixels at an opacity from 0 to 1, (H, W, 3) uint8."""
        if self.cover is None:
            return as_pixels(self.colours)
        alpha = opacity * self.cover
        return as_pixels(alpha * self.colours + (1 - alpha) * self.ground)


class OverlayStyle(ABC):
    """A way to draw a map. Subclasses declare what follows and enter themselves into `STYLES`.

    Attributes
    ----------
    name : str
        In files.
    title, help : str
        For people.
    icon : str
        Name of an icon among the resources.
    over_image : bool
        Whether it lies over the grey image. All columns that show an overlay share one such style,
        the appearance's; a style that stands by itself is chosen for each column.
    uses : frozenset of str
        The fields of an `Appearance` that change what it draws.
    needs : str
        The field of a map without which it draws nothing, as "standard_error"; "" for none.
    note : str
        What it is called after the name of a column that shows it; "" if that needs no words.
    order : int
        Where it stands in lists.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    icon: ClassVar[str] = "style-overlay"
    over_image: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset(
        {"colours", "unsigned_colours", "opacity", "sign", "threshold", "scale"}
    )
    needs: ClassVar[str] = ""
    note: ClassVar[str] = ""
    order: ClassVar[int] = 100

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in cls.__dict__:
            STYLES[cls.name] = cls()

    def layer(self, evidence_map: EvidenceMap) -> EvidenceMap | None:
        """The map whose evidence is drawn; None if the map lacks what the style needs."""
        if self.needs and getattr(evidence_map, self.needs) is None:
            return None
        return evidence_map

    def adapted(self, appearance: Appearance) -> Appearance:
        """The appearance that the layer is drawn with."""
        return appearance

    def limit(
        self, evidence_map: EvidenceMap, maps: Iterable[EvidenceMap], appearance: Appearance
    ) -> float:
        """The end of the layer's colour scale; takes what `scale_end` does, and is never 0."""
        return scale_end(evidence_map, maps, appearance)

    def caption(self, evidence_map: EvidenceMap) -> str:
        """What a panel's caption says first of this drawing of a map; "" for nothing."""
        return ""

    @abstractmethod
    def draw(
        self,
        layer: EvidenceMap,
        appearance: Appearance,
        limit: float,
        *,
        preview: bool = False,
    ) -> Drawing:
        """Draw a map that evidence was computed for.

        Parameters
        ----------
        layer : EvidenceMap
            What `layer` returned; `layer.view` is the image.
        appearance : Appearance
            What `adapted` returned.
        limit : float
            End of the colour scale, in the layer's unit.
        preview : bool
            Whether what is not covered is roughly right, and not merely guessed.
        """


STYLES: dict[str, OverlayStyle] = {}
"""All overlay styles by name."""


def grey(evidence_map: EvidenceMap) -> NDArray[np.float64]:
    """The image without colour, (H, W, 1) from 0 to 1."""
    brightness: NDArray[np.float64] = (shown_pixels(evidence_map.view) @ _LUMINANCE / 255)[
        ..., None
    ]
    return brightness


def soft_grey(evidence_map: EvidenceMap) -> NDArray[np.float64]:
    """The grey image, neither black nor white: dark and light colours are hard to see on these."""
    return 0.2 + 0.7 * grey(evidence_map)


def as_pixels(colours: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours from 0 to 1 as bytes."""
    pixels: NDArray[np.uint8] = np.rint(255 * colours).astype(np.uint8)
    return pixels

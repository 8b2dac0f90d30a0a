"""One panel of the grid: image or map, its colour scale, its caption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pda_studio import rendering
from pda_studio.document.operations import Matrix
from pda_studio.gui.grid.caption import Caption
from pda_studio.gui.grid.colour_bar import ColourBar
from pda_studio.gui.grid.contour_lines import ContourLines
from pda_studio.gui.grid.crop_handles import CropHandles
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.grid.map_caption import caption_of, offer_of
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.maps.requests import Prediction
from pda_studio.gui.maps.wording import awaited
from pda_studio.images import shown_pixels
from pda_studio.results import EvidenceMap, MadeImage

GAP = 8

_Drawn = tuple[EvidenceMap, rendering.Appearance, float, bool, bool]
"""A map, how it is drawn, the end of its scale, whether roughly, whether the image alone."""


class Panel(QWidget):
    """One or two views side by side over a scale and a caption."""

    clicked = Signal()

    def __init__(self, viewport: Viewport, views: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = [ImageView(viewport) for _ in range(views)]
        self.bar = ColourBar()
        self.caption = Caption()
        images = QHBoxLayout()
        images.setContentsMargins(0, 0, 0, 0)
        images.setSpacing(GAP)
        for view in self.views:
            images.addWidget(view)
            view.clicked.connect(self.clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(images)
        layout.addWidget(self.bar)
        layout.addWidget(self.caption)

    def set_side(self, side: int) -> None:
        """Make every view a square of this side (logical pixels)."""
        for view in self.views:
            view.setFixedSize(side, side)
        self.setFixedWidth(side * len(self.views) + GAP * (len(self.views) - 1))

    @staticmethod
    def height_beside_views() -> int:
        """What scale and caption take."""
        return ColourBar().height() + Caption().height() + 4

    def place(self, matrix: Matrix) -> None:
        """Tell where points of the first row's input lie in this panel's image."""
        for view in self.views:
            view.place(matrix)

    def follow(self) -> None:
        """Take centre, zoom and crosshair from the shared viewport."""
        for view in self.views:
            view.follow()

    def point(self) -> None:
        """Show the crosshair."""
        for view in self.views:
            view.viewport().update()


class InputPanel(Panel):
    """The image as the classifier sees it."""

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(viewport, 1, parent)
        self.views[0].setAccessibleName(self.tr("Input image"))
        self.bar.hide()

    def show_whole(
        self,
        pixels: NDArray[np.uint8],
        matrix: Matrix,
        model_input: QPolygonF,
        handles: CropHandles | None = None,
    ) -> None:
        """Show all of a row's image, also what the network does not get.

        Parameters
        ----------
        pixels : (H, W, 3) uint8
            The image.
        matrix : (3, 3) float64
            Where points of the first row's input lie in it.
        model_input : QPolygonF
            What the network gets of it, in its pixels: that is outlined.
        handles : CropHandles, optional
            The crop that can be moved and resized here.
        """
        self.place(matrix)
        self.views[0].show_pixels(pixels)
        self.views[0].show_state()
        self.views[0].show_marks([model_input])
        self.views[0].show_handles(handles)
        size = f"{pixels.shape[1]} × {pixels.shape[0]} px"
        if handles is not None:
            keys = self.tr("Arrow keys: 1 px, with Shift 10 px. Drag outside the frame: another.")
            size = f"{handles.crop} · {size}"
            self.caption.show_lines(self.tr("Drag the frame or its sides"), size, keys)
            return
        self.caption.show_lines(self.tr("Drag a frame"), self.tr("Outlined: model input"), size)

    def show_look(
        self,
        prediction: Prediction | None,
        name: str,
        notes: tuple[str, ...] = (),
        *,
        fitted: str = "",
        maps_turned_back: bool = False,
    ) -> None:
        """Show the model input of a row.

        Parameters
        ----------
        prediction : Prediction, optional
            What the classifier says of it; None until that is known.
        name : str
            Of the image's file.
        notes : tuple of str
            What was decided as the file was read.
        fitted : str
            What of the image the network gets; "" for its middle.
        maps_turned_back : bool
            Whether the maps beside it are turned back, which is said.
        """
        self.views[0].show_handles(None)
        if prediction is None:
            self.views[0].show_state(dimmed=True)
            self.caption.show_lines(name)
            return
        self.views[0].show_pixels(shown_pixels(prediction.subject.view))
        self.views[0].show_state()
        size = f"{prediction.width} × {prediction.height} px"
        note = self.tr("Not turned back")
        about = " · ".join(
            filter(None, [fitted, size, *notes])
        )  # all of it is in the tooltip, each in its line
        lines = name, note if maps_turned_back else "", about, *notes
        self.caption.show_lines(*filter(None, lines))


class MapPanel(Panel):
    """A map in one overlay style, or in two side by side.

    Attributes
    ----------
    shown : EvidenceMap or None
        What is drawn.
    """

    finer_wanted = Signal()

    def __init__(self, viewport: Viewport, style: str, parent: QWidget | None = None) -> None:
        self.choice = rendering.panel_styles()[style]
        super().__init__(viewport, len(self.choice.parts), parent)
        self.style_shown = style
        self._panel = PanelState()
        self.caption.accepted.connect(self.finer_wanted)
        self.shown: EvidenceMap | None = None
        self._layer_of: tuple[object, EvidenceMap | None] = None, None
        self._drawn: _Drawn | None = None
        self._drawings: list[rendering.Drawing] = []
        self._lines: dict[ImageView, ContourLines] = {}
        for view, part in zip(self.views, self.choice.parts, strict=True):
            view.setAccessibleName(rendering.panel_styles()[part or "overlay"].title)

    def show_panel(
        self, panel: PanelState, appearance: rendering.Appearance, limit: float, agreement: str = ""
    ) -> None:
        """Show a map on a colour scale that ends at `limit`, and how far it has come.

        Of a variant's finished map, how far it agrees with the original's is told, too.
        """
        if self.choice.needs:
            panel = panel.replace(preview=None)  # previews have nothing but evidence
        found, self._panel = panel.shown, panel
        evidence_map = found if isinstance(found, EvidenceMap) else None
        style = self.choice.styles(appearance)[0]
        self.shown = shown = self._layer(style, evidence_map)
        if isinstance(found, MadeImage) and not self.choice.needs:
            self._show_made(found)
        elif shown is None:
            self._show_nothing()
        else:
            self._draw(shown, appearance, limit, panel.previewed)
        chip, progress = self._state()
        for view in self.views:
            view.show_state(chip, progress, panel.stale and not panel.previewed, panel.previewed)
        if found is None:
            self.caption.show_lines(*filter(None, (panel.message,)))
        else:
            said = style.caption(evidence_map) if evidence_map is not None else ""
            self.caption.show_lines(*caption_of(found, panel, agreement, said))
        self.caption.show_offer(offer_of(panel), self.tr("No window is scored twice."))
        self._show_value()

    def point(self) -> None:
        """Show the crosshair and the value under it."""
        super().point()
        self._show_value()

    def _show_value(self) -> None:
        evidence_map, pixel = self.shown, self.views[0].pixel
        if evidence_map is None or pixel is None:
            self.bar.show_value(None)
            return
        column, row = pixel
        if row >= evidence_map.evidence.shape[0] or column >= evidence_map.evidence.shape[1]:
            self.bar.show_value(None)
            return
        error = evidence_map.standard_error
        covered = evidence_map.covered
        roughly = self._panel.previewed and covered is not None and not covered[row, column]
        self.bar.show_value(
            float(evidence_map.evidence[row, column]),
            None if error is None else float(error[row, column]),
            roughly,
        )

    def _layer(
        self, style: rendering.OverlayStyle, evidence_map: EvidenceMap | None
    ) -> EvidenceMap | None:
        """What is drawn of a map: the same object as long as it is the same map."""
        if evidence_map is None:
            return None
        if self._layer_of[0] != (style, evidence_map):
            self._layer_of = (style, evidence_map), style.layer(evidence_map)
        return self._layer_of[1]

    def _show_made(self, made: MadeImage) -> None:
        """Show an image that a method made, or in its place for a moment the one it is about."""
        self._drawn, self._drawings = None, []
        self.bar.show_nothing()
        for view in self.views:
            view.show_pixels(shown_pixels(made.view) if view.state.plain else made.image)
            view.show_lines(ContourLines())

    def _show_nothing(self) -> None:
        self._drawn = None
        self.bar.show_nothing()
        for view in self.views:
            view.show_pixels(None)

    def _draw(
        self,
        evidence_map: EvidenceMap,
        appearance: rendering.Appearance,
        limit: float,
        preview: bool,
    ) -> None:
        """Draw what has changed: where only the opacity has, that is little work."""
        wanted = evidence_map, appearance, limit, preview, self.views[0].state.plain
        if wanted == self._drawn:
            return
        earlier, self._drawn = self._drawn, wanted
        anew = (
            earlier is None
            or earlier[0] is not evidence_map
            or _with_opacity(earlier, appearance.opacity) != wanted
        )
        if anew:
            self._prepare(evidence_map, appearance, limit, preview)
        for view, drawing in zip(self.views, self._drawings, strict=False):  # none of them if plain
            if anew or drawing.cover is not None:
                view.show_pixels(drawing.at(appearance.opacity))
            lines = self._lines[view] if not anew else ContourLines(drawing.lines)
            lines.opacity = appearance.opacity
            self._lines[view] = lines
            view.show_lines(lines)

    def _prepare(
        self,
        evidence_map: EvidenceMap,
        appearance: rendering.Appearance,
        limit: float,
        preview: bool,
    ) -> None:
        start = rendering.scale_start(evidence_map, appearance, limit)
        scale = rendering.colour_scale(evidence_map, appearance, limit)
        self.bar.show_scale(start, limit, evidence_map.unit, scale)
        self._drawings = []
        if self.views[0].state.plain:
            for view in self.views:
                view.show_pixels(shown_pixels(evidence_map.view))
                view.show_lines(ContourLines())
            return
        self._drawings = [
            style.draw(evidence_map, appearance, limit, preview=preview)
            for style in self.choice.styles(appearance)
        ]

    def _state(self) -> tuple[str, float | None]:
        """What the chip says of the panel's state, and how much of the map is done."""
        panel = self._panel
        running = panel.state == "running"
        part = panel.done / panel.total if panel.total else 0.0
        percent = f"{100 * part:.0f} %" if part or not panel.previewed else ""
        said = {
            "running": panel.stage or percent,
            "waiting": awaited(panel.awaits),
            "stopped": self.tr("stopped"),
            "failed": self.tr("failed"),
        }.get(panel.state, "")
        rough = panel.previewed or panel.state == "previewing"
        chip = " · ".join(filter(None, (self.tr("preview") if rough else "", said)))
        return chip, part if running and (part or not panel.previewed) else None


def _with_opacity(drawn: _Drawn, opacity: float) -> _Drawn:
    evidence_map, appearance, limit, preview, plain = drawn
    return evidence_map, appearance.replace(opacity=opacity), limit, preview, plain

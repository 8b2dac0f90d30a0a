"""How all maps are shown: style, colours, opacity, threshold, colour scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QWidget,
)

from pda_studio.gui.connections import follow
from pda_studio.gui.display.colour_map_box import ColourMapBox
from pda_studio.gui.display.display import Display
from pda_studio.gui.display.histogram_view import HistogramView
from pda_studio.gui.display.inputs import Number, choice, show
from pda_studio.gui.methods.parameter_row import LABEL_WIDTH, SPIN_WIDTH
from pda_studio.gui.window.sections import Section
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import icon
from pda_studio.rendering import DIVERGING, SEQUENTIAL, is_unsigned, overlay_styles, panel_styles
from pda_studio.rendering.appearance import MOST_ERRORS, Scale, Sign, ThresholdKind

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap


class DisplayBox(Section):
    """Edits the appearance of maps."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.heading.setText(self.tr("Display"))
        self._display = display
        self._map: EvidenceMap | None = None
        self._limit = 1.0
        self._make_style()
        self._make_colours()
        self._make_opacity()
        self._make_threshold()
        self._make_scale()
        self.histogram = HistogramView()
        self.histogram.end_moved.connect(self._on_end_moved)
        self.histogram.floor_moved.connect(self._on_floor_moved)
        self.histogram.reset.connect(lambda: display.change(scale="map"))
        self.body.addWidget(self.histogram)
        follow(self, display.events, self._on_display)
        self.show_display()

    def changeEvent(self, event: QEvent) -> None:
        """Draw the styles' icons in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_icons()

    def show_map(
        self, evidence_map: EvidenceMap | None, limit: float, shown: Iterable[str] = ()
    ) -> None:
        """Follow the selected map, the end of its scale, and what the columns show.

        Settings that change nothing in any of the panel styles `shown` are disabled.
        """
        self._map, self._limit = evidence_map, limit
        choices = [panel_styles()[name] for name in shown]
        styles = [s for choice in choices for s in choice.styles(self._display.appearance)]
        used = frozenset[str]().union(*[style.uses for style in styles])
        self.style_box.setEnabled("" in {part for choice in choices for part in choice.parts})
        for field, widgets in (
            ("opacity", (self.opacity, self.opacity_slider)),
            ("sign", (self.sign,)),
            ("colours", (self.colours,)),
            ("threshold", (self.threshold_kind, self.threshold)),
        ):
            for widget in widgets:
                widget.setEnabled(field in used)
        self.show_display()

    def show_display(self) -> None:
        """Show the settings as they are."""
        appearance, chosen = self._display.appearance, self._map
        self.style_box.setCurrentIndex(self.style_box.findData(appearance.style))
        self.sign.setCurrentIndex(self.sign.findData(appearance.sign))
        self.colours.show_name(appearance.colours)
        self.unsigned_colours.show_name(appearance.unsigned_colours)
        signless = chosen is not None and is_unsigned(chosen)
        self._unsigned_line.setVisible(signless)
        show(self.opacity, round(100 * appearance.opacity))
        show(self.opacity_slider, round(100 * appearance.opacity))
        self._show_threshold()
        self.scale.setCurrentIndex(self.scale.findData(appearance.scale))
        unit = chosen.unit if chosen else ""
        end = appearance.limits.get(unit)
        self.limit.setVisible(appearance.scale == "fixed" and end is not None)
        self.limit.setToolTip(self.tr("End of the scale, in {0}").format(unit))
        if end is not None:
            show(self.limit, end)
        self.histogram.show_map(chosen, appearance, self._limit)

    # Making

    def _make_style(self) -> None:
        styles = overlay_styles()
        self.style_box = choice(*((style.title, style.name) for style in styles))
        for at, style in enumerate(styles):
            self.style_box.setItemData(at, style.help, Qt.ItemDataRole.ToolTipRole)
        self.sign = choice(
            (self.tr("For and against"), "both"),
            (self.tr("Only for"), "for"),
            (self.tr("Only against"), "against"),
        )
        self._line(
            self.tr("Overlay"), self.tr("How evidence is laid over the image."), self.style_box
        )
        self._line(self.tr("Evidence"), self.tr("Which evidence is drawn."), self.sign)
        self._show_icons()
        self.style_box.activated.connect(self._on_style)
        self.sign.activated.connect(self._on_sign)

    def _show_icons(self) -> None:
        for at, style in enumerate(overlay_styles()):
            self.style_box.setItemIcon(at, icon(style.icon))

    def _make_colours(self) -> None:
        titles = {
            "red-blue": self.tr("Red and blue"),
            "orange-blue": self.tr("Colour-blind safe"),
        }
        self.colours = ColourMapBox([(titles.get(name, name), name) for name in DIVERGING])
        self.unsigned_colours = ColourMapBox(
            [(self.tr("Same as signed maps"), ""), *((name, name) for name in SEQUENTIAL)]
        )
        self._line(
            self.tr("Colours"),
            self.tr("Colours against and for. Those named by one word are matplotlib's."),
            self.colours,
        )
        self._unsigned_line = self._line(
            self.tr("Without sign"),
            self.tr("Colours of maps in which nothing speaks against, as the selected one."),
            self.unsigned_colours,
        )
        self.colours.activated.connect(self._on_colours)
        self.unsigned_colours.activated.connect(self._on_unsigned_colours)

    def _make_opacity(self) -> None:
        self.opacity_slider = QSlider(Qt.Orientation.Horizontal)
        self.opacity_slider.setRange(0, 100)
        self.opacity = QSpinBox(minimum=0, maximum=100)
        self.opacity.setSuffix(" %")
        self.opacity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.opacity.setFixedWidth(SPIN_WIDTH)
        self._line(
            self.tr("Opacity"),
            self.tr("How strongly evidence covers the image in an overlay."),
            self.opacity_slider,
            self.opacity,
        )
        for widget in (self.opacity_slider, self.opacity):
            widget.valueChanged.connect(self._on_opacity)

    def _make_threshold(self) -> None:
        self.threshold_kind = choice(
            (self.tr("Part of scale"), "part"),
            (self.tr("Value"), "value"),
            (self.tr("Percentile"), "percentile"),
            (self.tr("Significance"), "significance"),
        )
        for at, help in enumerate(
            (
                self.tr("Of the colour scale's end."),
                self.tr("In the map's unit; one for the maps of each unit."),
                self.tr("So many of a map's pixels are not shown: the weakest."),
                self.tr("In standard errors of the evidence, where it was sampled."),
            )
        ):
            self.threshold_kind.setItemData(at, help, Qt.ItemDataRole.ToolTipRole)
        self.threshold = Number()
        self.threshold.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.threshold.setFixedWidth(SPIN_WIDTH)
        self._line(
            self.tr("Threshold"),
            self.tr("Evidence weaker than this is not shown."),
            self.threshold_kind,
            self.threshold,
        )
        self.note = named(QLabel(self.tr("The selected map has no standard error.")), "muted")
        self.note.setWordWrap(True)
        self.note.hide()
        self.body.addWidget(self.note)
        self.threshold_kind.activated.connect(self._on_threshold_kind)
        self.threshold.valueChanged.connect(self._on_threshold)

    def _make_scale(self) -> None:
        self.scale = choice(
            (self.tr("Each map its own"), "map"),
            (self.tr("The same for all maps"), "all"),
            (self.tr("Fixed"), "fixed"),
        )
        self.limit = Number()
        self.limit.setMinimum(1e-7)
        self.limit.setPrefix("±")
        self._line(
            self.tr("Colour scale"),
            self.tr("Where the colours are deepest; it is symmetric about zero."),
            self.scale,
            self.limit,
        )
        self.scale.activated.connect(self._on_scale)
        self.limit.valueChanged.connect(self._on_limit)

    def _line(self, label: str, help: str, *widgets: QWidget) -> QWidget:
        whole = QWidget()
        line = QHBoxLayout(whole)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        name = QLabel(label)
        name.setFixedWidth(LABEL_WIDTH)
        name.setToolTip(help)
        line.addWidget(name)
        for at, widget in enumerate(widgets):
            widget.setAccessibleName(label)
            widget.setToolTip(help)
            line.addWidget(widget, 0 if at else 1)
        self.body.addWidget(whole)
        return whole

    # Showing

    def _show_threshold(self) -> None:
        threshold, chosen = self._display.appearance.threshold, self._map
        self.threshold_kind.setCurrentIndex(self.threshold_kind.findData(threshold.kind))
        unit = chosen.unit if chosen else ""
        value, highest, suffix = {
            "part": (100 * threshold.part, 100.0, " %"),
            "value": (threshold.values.get(unit, 0.0), 1e6, ""),
            "percentile": (threshold.percentile, 100.0, " %"),
            "significance": (threshold.errors, MOST_ERRORS, " SE"),
        }[threshold.kind]
        self.threshold.blockSignals(True)
        self.threshold.setMaximum(highest)
        self.threshold.setSuffix(suffix)
        self.threshold.setValue(value)
        self.threshold.blockSignals(False)
        without = chosen is not None and chosen.standard_error is None
        self.note.setVisible(threshold.kind == "significance" and without)

    def _on_display(self, *_: object) -> None:
        self.show_display()

    # What the user does

    def _on_style(self, index: int) -> None:
        self._display.change(style=self.style_box.itemData(index))

    def _on_sign(self, index: int) -> None:
        self._display.change(sign=cast(Sign, self.sign.itemData(index)))

    def _on_colours(self, index: int) -> None:
        self._display.change(colours=self.colours.itemData(index))

    def _on_unsigned_colours(self, index: int) -> None:
        self._display.change(unsigned_colours=self.unsigned_colours.itemData(index))

    def _on_opacity(self, value: int) -> None:
        self._display.change(opacity=value / 100)

    def _on_threshold_kind(self, index: int) -> None:
        kind = cast(ThresholdKind, self.threshold_kind.itemData(index))
        self._change_threshold(kind=kind)

    def _on_threshold(self, value: float) -> None:
        """Take the number that is shown as the level of the kind that is chosen."""
        threshold = self._display.appearance.threshold
        match threshold.kind:
            case "part":
                self._change_threshold(part=value / 100)
            case "value":
                if self._map is not None:
                    self._change_threshold(values={**threshold.values, self._map.unit: value})
            case "percentile":
                self._change_threshold(percentile=value)
            case "significance":
                self._change_threshold(errors=value)

    def _on_floor_moved(self, value: float) -> None:
        """Say a value of the evidence as the kind of threshold that is chosen would say it."""
        if self._map is None:
            return
        match self._display.appearance.threshold.kind:
            case "part":
                self._on_threshold(min(round(100 * value / self._limit, 1), 100.0))
            case "value":
                self._on_threshold(value)
            case "percentile":
                weaker = np.abs(self._map.evidence) < value
                self._on_threshold(round(100 * float(weaker.mean()), 1))

    def _change_threshold(self, **changes: object) -> None:
        threshold = self._display.appearance.threshold
        self._display.change(threshold=replace(threshold, **changes))  # type: ignore[arg-type]

    def _on_scale(self, index: int) -> None:
        self._display.change(scale=cast(Scale, self.scale.itemData(index)))

    def _on_limit(self, value: float) -> None:
        if self._map is not None:
            limits = self._display.appearance.limits
            self._display.change(limits={**limits, self._map.unit: value})

    def _on_end_moved(self, value: float) -> None:
        """Fix the scales where they are now, and this unit's where it was dragged to."""
        if self._map is not None:
            limits = {**self._display.appearance.limits, self._map.unit: value}
            self._display.change(scale="fixed", limits=limits)

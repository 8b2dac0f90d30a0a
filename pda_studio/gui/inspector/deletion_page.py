"""The strongest windows removed one after the other: step by step, or by itself."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.connections import follow
from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.inspector.comparison import Comparison
from pda_studio.gui.inspector.curve import Curve
from pda_studio.gui.inspector.inspection import DeletionCurve, Inspection
from pda_studio.gui.inspector.patches import Patch
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.theme import ThemeKeeper
from pda_studio.images import shown_pixels


class DeletionPage(QWidget):
    """Shows a deletion curve; slider, buttons and curve go to a stage of it."""

    wanted = Signal(int)
    """How many windows are to be gone."""

    def __init__(
        self, inspection: Inspection, theme: ThemeKeeper, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._inspection, self._theme = inspection, theme
        self.image = Patch(self.tr("What is left"))
        self.curve = Curve()
        self.curve.wanted.connect(self.wanted)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.back = plain_button(theme, "step-back", self.tr("One window less"))
        self.play = plain_button(theme, "run", self.tr("Play"))
        self.forth = plain_button(theme, "step-forward", self.tr("One window more"))
        self.back.clicked.connect(lambda: self.wanted.emit(self.slider.value() - 1))
        self.forth.clicked.connect(lambda: self.wanted.emit(self.slider.value() + 1))
        self.play.clicked.connect(self._on_play)
        self.slider.setAccessibleName(self.tr("Windows removed"))
        self.slider.setPageStep(5)
        self.slider.valueChanged.connect(self.wanted)
        self.count = QElidingLabel()
        self.sign = QComboBox()
        self.sign.setAccessibleName(self.tr("Which windows go"))
        self.sign.setToolTip(self.tr("Which windows go, the strongest first"))
        self.sign.addItem(self.tr("Those for"), "for")
        self.sign.addItem(self.tr("Those against"), "against")
        self.sign.setCurrentIndex(self.sign.findData(inspection.sign))
        self.sign.activated.connect(self._on_sign)
        self.side = QSpinBox(minimum=2, maximum=64, value=inspection.side)
        self.side.setKeyboardTracking(False)
        self.side.setPrefix(self.tr("Block "))
        self.side.setSuffix(self.tr(" px"))
        help = self.tr("This method has no windows: blocks with the largest sum of evidence go")
        self.side.setToolTip(help)
        self.side.setAccessibleName(self.tr("Side of a block, in pixels"))
        self.side.valueChanged.connect(self._on_side)
        self.comparison = Comparison()
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self.back, self.play, self.forth):
            buttons.addWidget(button)
        buttons.addSpacing(6)
        buttons.addWidget(self.slider, 1)
        choices = QHBoxLayout()
        choices.setSpacing(8)
        choices.addWidget(self.count, 1)
        choices.addWidget(self.side)
        choices.addWidget(self.sign)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        middle.addLayout(choices)
        middle.addWidget(self.curve, 1)
        middle.addLayout(buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 2, 8, 8)
        layout.setSpacing(14)
        layout.addWidget(self.image, 3)
        layout.addLayout(middle, 4)
        layout.addWidget(self.comparison, 4)
        follow(self, inspection.events.playing, self._show_playing)

    def show_deletion(self, deletion: DeletionCurve) -> None:
        """Show the image, the curve and the decision at one stage."""
        total, stage, baseline = len(deletion.rectangles), deletion.shown, deletion.baseline
        self.slider.blockSignals(True)
        self.slider.setRange(0, total)
        self.slider.setValue(deletion.at)
        self.slider.blockSignals(False)
        self.side.setVisible(deletion.summed)
        self.side.blockSignals(True)
        self.side.setMaximum(deletion.of.largest_side)
        self.side.setValue(self._inspection.side)
        self.side.blockSignals(False)
        for widget in (self.slider, self.play, self.back, self.forth):
            widget.setEnabled(total > 0)
        self.back.setEnabled(deletion.at > 0)
        self.forth.setEnabled(deletion.at < total)
        hidden = baseline is not None and not baseline.has_probabilities
        self.curve.show_curve(deletion.curve, deletion.at, total, hidden=hidden)
        if stage is None or baseline is None:
            self.image.show_pixels(shown_pixels(deletion.of.subject.view))
            self.comparison.show_scores()
            self.count.setText(self.tr("Computing …"))
            return
        outlines = [
            QRectF(rectangle.left, rectangle.top, rectangle.width, rectangle.height)
            for rectangle in stage.rectangles[-1:]
        ]
        self.image.show_pixels(stage.image, outlines=outlines)
        names, target = deletion.of.subject.scored.class_names, deletion.of.subject.index
        self.comparison.show_scores(names, baseline, stage.scores, target)
        if total == 0:
            self.count.setText(self.tr("No window has such evidence."))
        else:
            self.count.setText(self.tr("{0} of {1} removed").format(len(stage.rectangles), total))

    def _show_playing(self, playing: bool) -> None:
        self._theme.set_icon(self.play, "pause" if playing else "run")
        name = self.tr("Pause") if playing else self.tr("Play")
        self.play.setToolTip(name)
        self.play.setAccessibleName(name)

    def _on_play(self) -> None:
        self._inspection.playing = not self._inspection.playing

    def _on_sign(self, index: int) -> None:
        self._inspection.sign = self.sign.itemData(index)

    def _on_side(self, side: int) -> None:
        self._inspection.side = side

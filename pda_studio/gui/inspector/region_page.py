"""A region taken out by hand: where it lies, what fills it, and the decision without it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.inspector.comparison import Comparison
from pda_studio.gui.inspector.inspection import Inspection, RegionRemoval
from pda_studio.gui.inspector.patches import Patch


class RegionPage(QWidget):
    """Shows a cut, and lets its numbers be set by hand."""

    changed = Signal(object)
    """A `Box`: the region that is wanted."""

    def __init__(self, inspection: Inspection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspection = inspection
        self._cut: RegionRemoval | None = None
        self.image = Patch(self.tr("Without the region"))
        self.numbers: dict[str, QSpinBox] = {}
        for name, prefix, title in (
            ("left", "x ", self.tr("Left edge of the region, in pixels")),
            ("top", "y ", self.tr("Upper edge of the region, in pixels")),
            ("width", "w ", self.tr("Width of the region, in pixels")),
            ("height", "h ", self.tr("Height of the region, in pixels")),
        ):
            spin = QSpinBox(maximum=0, prefix=prefix)
            spin.setKeyboardTracking(False)
            spin.setAccessibleName(title)
            spin.setToolTip(title)
            spin.valueChanged.connect(self._on_number)
            self.numbers[name] = spin
        self.fill = QComboBox()
        self.fill.setAccessibleName(self.tr("What fills the region"))
        self.fill.setToolTip(self.tr("What fills the region"))
        for title, name in (
            (self.tr("Fill: automatic"), "auto"),
            (self.tr("Fill: inpainting"), "inpaint-telea"),
            (self.tr("Fill: blur"), "blur"),
            (self.tr("Fill: grey"), "grey"),
        ):
            self.fill.addItem(title, name)
        self.fill.setCurrentIndex(self.fill.findData(inspection.fill))
        self.fill.activated.connect(self._on_fill)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.comparison = Comparison()
        grid = QGridLayout()
        grid.setSpacing(6)
        for at, spin in enumerate(self.numbers.values()):
            grid.addWidget(spin, at // 2, at % 2)
        grid.addWidget(self.fill, 2, 0, 1, 2)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addLayout(grid)
        middle.addWidget(self.summary)
        middle.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 2, 8, 8)
        layout.setSpacing(14)
        layout.addWidget(self.image, 3)
        layout.addLayout(middle, 5)
        layout.addWidget(self.comparison, 4)

    def show_cut(self, cut: RegionRemoval) -> None:
        """Show a region and the decision without it."""
        self._cut = cut
        height, width = cut.of.subject.view.shape[:2]
        box = cut.box
        for name, value, low, high in (
            ("left", box.left, 0, width - box.width),
            ("top", box.top, 0, height - box.height),
            ("width", box.width, 1, width - box.left),
            ("height", box.height, 1, height - box.top),
        ):
            spin = self.numbers[name]
            spin.blockSignals(True)
            spin.setRange(low, high)
            spin.setValue(value)
            spin.blockSignals(False)
        removal = cut.removal
        if removal is None:
            self.image.show_pixels(cut.of.subject.view)
            self.comparison.show_answers()
            self.summary.setText(cut.message)
            return
        names = cut.of.subject.scored.class_names
        self.image.show_pixels(removal.image)
        self.comparison.show_answers(names, removal.before, removal.after, removal.target)
        self.summary.setText(cut.message or self._summary(cut))

    def _summary(self, cut: RegionRemoval) -> str:
        removal = cut.removal
        assert removal is not None
        fills = {
            "conditional-mean": self.tr("Filled with the conditional mean."),
            "marginal-mean": self.tr("Filled with what such images have there on average."),
            "inpaint-telea": self.tr("Filled by inpainting."),
            "blur": self.tr("Filled with the blurred image."),
            "grey": self.tr("Filled with grey."),
        }
        text = fills[removal.kind]
        names = cut.of.subject.scored.class_names
        return f"{text} {self.comparison.told(names, removal)}"

    def _on_number(self) -> None:
        from pda_studio.inspection import Box

        self.changed.emit(Box(**{name: spin.value() for name, spin in self.numbers.items()}))

    def _on_fill(self, index: int) -> None:
        self._inspection.fill = self.fill.itemData(index)

"""Removal of a region: where it lies, its infill, and the scores without it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
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
from pda_studio.images import shown_pixels
from pda_studio.infills import AUTO, INFILLS, infill_named


class RegionPage(QWidget):
    """Shows a region, and lets its numbers be set by hand."""

    changed = Signal(object)
    """A `Rectangle`: the region that is wanted."""

    def __init__(self, inspection: Inspection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspection = inspection
        self._region: RegionRemoval | None = None
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
        self.infill = QComboBox()
        self.infill.setAccessibleName(self.tr("Infill of the region"))
        self.infill.setToolTip(self.tr("Infill of the region: what replaces it"))
        self.infill.addItem(self.tr("Automatic infill"), AUTO)
        for infill in INFILLS.values():
            self.infill.addItem(infill.title, infill.name)
            self.infill.setItemData(
                self.infill.count() - 1, infill.help, Qt.ItemDataRole.ToolTipRole
            )
        self.infill.setCurrentIndex(self.infill.findData(inspection.infill))
        self.infill.activated.connect(self._on_infill)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.comparison = Comparison()
        grid = QGridLayout()
        grid.setSpacing(6)
        for at, spin in enumerate(self.numbers.values()):
            grid.addWidget(spin, at // 2, at % 2)
        grid.addWidget(self.infill, 2, 0, 1, 2)
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

    def show_region(self, region: RegionRemoval) -> None:
        """Show a region and the scores without it."""
        self._region = region
        height, width = region.of.subject.view.shape[:2]
        rectangle = region.rectangle
        for name, value, low, high in (
            ("left", rectangle.left, 0, width - rectangle.width),
            ("top", rectangle.top, 0, height - rectangle.height),
            ("width", rectangle.width, 1, width - rectangle.left),
            ("height", rectangle.height, 1, height - rectangle.top),
        ):
            spin = self.numbers[name]
            spin.blockSignals(True)
            spin.setRange(low, high)
            spin.setValue(value)
            spin.blockSignals(False)
        removal = region.removal
        if removal is None:
            self.image.show_pixels(shown_pixels(region.of.subject.view))
            self.comparison.show_scores()
            self.summary.setText(region.message)
            return
        names = region.of.subject.scored.class_names
        self.image.show_pixels(removal.image)
        self.comparison.show_scores(names, removal.before, removal.after, removal.target)
        self.summary.setText(region.message or self._summary(region))

    def _summary(self, region: RegionRemoval) -> str:
        removal = region.removal
        assert removal is not None
        text = self.tr("Infill: {0}.").format(infill_named(removal.kind).title)
        names = region.of.subject.scored.class_names
        return f"{text} {self.comparison.summary(names, removal)}"

    def _on_number(self) -> None:
        from pda_studio.inspection import Rectangle

        self.changed.emit(Rectangle(**{name: spin.value() for name, spin in self.numbers.items()}))

    def _on_infill(self, index: int) -> None:
        self._inspection.infill = self.infill.itemData(index)

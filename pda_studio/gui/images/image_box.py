"""The section of the opened image: its histogram, black and white, its plane and its pages."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QWidget,
)

from pda_studio.gui.images.values_histogram import ValuesHistogram
from pda_studio.gui.methods.number_boxes import NumberBox
from pda_studio.gui.window.sections import Section, rule
from pda_studio.images import Image
from pda_studio.images.geometry import PLANES

_MOST = 1e9  # that can be typed; values of floats are smaller


class ImageBox(Section):
    """Edits the display limits of an image, and chooses its page, and of a volume the plane."""

    limits_moved = Signal(float, float)
    """Black and white shall be these values."""
    automatic = Signal()
    inverted = Signal()
    page_chosen = Signal(int)
    """From 1."""
    plane_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.heading.setText(self.tr("Image"))
        self.rule = rule()  # below it, and there as long as it is
        self._image: Image | None = None
        self.histogram = ValuesHistogram()
        self.histogram.moved.connect(self.limits_moved)
        self.histogram.reset.connect(self.automatic)
        self.body.addWidget(self.histogram)
        self.black, self.white = self._number(), self._number()
        self._line(QLabel(self.tr("Black")), self.black, QLabel(self.tr("White")), self.white)
        self.automatic_button = QPushButton(self.tr("Automatic"))
        self.automatic_button.setToolTip(
            self.tr("Black and white where 0.2 % of the pixels are darker, and brighter.")
        )
        self.invert_button = QPushButton(self.tr("Invert"))
        self.invert_button.setToolTip(self.tr("Exchange black and white, for the network too."))
        self.automatic_button.clicked.connect(self.automatic)
        self.invert_button.clicked.connect(self.inverted)
        self._line(self.automatic_button, self.invert_button)
        self.plane = QComboBox()
        self.plane.setAccessibleName(self.tr("Plane"))
        self.plane.setToolTip(self.tr("In which plane the volume is cut: with its middle slice."))
        titles = {
            "axial": self.tr("Axial"),
            "coronal": self.tr("Coronal"),
            "sagittal": self.tr("Sagittal"),
        }
        for plane in PLANES:
            self.plane.addItem(titles[plane], plane)
        self.plane.activated.connect(self._on_plane)
        self._planes = self._line(QLabel(self.tr("Plane")), self.plane)
        self.page_slider = QSlider(Qt.Orientation.Horizontal)
        self.page = QSpinBox(minimum=1)
        self.page.setKeyboardTracking(False)
        for widget in (self.page_slider, self.page):
            widget.setAccessibleName(self.tr("Page"))
            widget.valueChanged.connect(self._on_page)
        self._page_label = QLabel(self.tr("Page"))
        self._pages = self._line(self._page_label, self.page_slider, self.page)

    def show_section(self, shown: bool) -> None:
        """Show or hide it, with the line below."""
        self.setVisible(shown)
        self.rule.setVisible(shown)

    def show_image(self, image: Image | None, *, has_file: bool = True) -> None:
        """Show an image's values, limits and pages; without its file no other page can be read."""
        self._image = image
        self.histogram.show_image(image)
        if image is None:
            return
        for box, value in ((self.black, image.limits.black), (self.white, image.limits.white)):
            box.blockSignals(True)
            box.setDecimals(_decimals(image.limits.white - image.limits.black))
            box.setValue(value)
            box.blockSignals(False)
        self._pages.setVisible(image.pages > 1)
        for widget in (self.page_slider, self.page):
            widget.blockSignals(True)
            widget.setRange(1, image.pages)
            widget.setValue(image.page)
            widget.blockSignals(False)
        self.page.setSuffix(self.tr(" of {0}").format(image.pages))
        self._page_label.setText(self.tr("Slice") if image.planes else self.tr("Page"))
        self._planes.setVisible(bool(image.planes))
        if image.plane is not None:
            self.plane.setCurrentIndex(PLANES.index(image.plane))
        for line in (self._pages, self._planes):
            line.setEnabled(has_file)
            line.setToolTip("" if has_file else self.tr("The file is not there any more."))

    def _number(self) -> NumberBox:
        box = NumberBox()
        box.setRange(-_MOST, _MOST)
        box.setKeyboardTracking(False)
        box.setStepType(NumberBox.StepType.AdaptiveDecimalStepType)
        box.setMinimumWidth(40)
        box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
        box.valueChanged.connect(self._on_number)
        return box

    def _line(self, *widgets: QWidget) -> QWidget:
        whole = QWidget()
        line = QHBoxLayout(whole)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        for widget in widgets:
            line.addWidget(widget, 0 if isinstance(widget, QLabel) else 1)
            if isinstance(widget, QLabel):
                label = widget
            elif isinstance(widget, NumberBox):
                widget.setAccessibleName(label.text())
        self.body.addWidget(whole)
        return whole

    def _on_number(self) -> None:
        black, white = self.black.value(), self.white.value()
        if black != white:
            self.limits_moved.emit(black, white)
        else:
            self.show_image(self._image, has_file=self._pages.isEnabled())

    def _on_plane(self) -> None:
        self.plane_chosen.emit(self.plane.currentData())

    def _on_page(self, page: int) -> None:
        self.page_chosen.emit(page)


def _decimals(span: float) -> int:
    """How many decimals tell a thousandth of a range."""
    digits, span = 0, abs(span)
    while span < 1000 and digits < 7:
        digits, span = digits + 1, 10 * span
    return digits if abs(span) else 7

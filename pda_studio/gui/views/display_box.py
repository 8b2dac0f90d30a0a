"""How all maps are shown: opacity, threshold, colour scale."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QWidget,
)

from pda_studio.gui.models.display import Display
from pda_studio.gui.views.parameter_row import LABEL_WIDTH, SPIN_WIDTH
from pda_studio.gui.views.sections import Section


class _Limit(QDoubleSpinBox):
    """The end of the fixed scale, with three digits whatever its size."""

    def textFromValue(self, value: float) -> str:
        return f"{value:.3g}"


class DisplayBox(Section):
    """Edits the display settings."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.heading.setText(self.tr("Display"))
        self._display = display
        self._unit = ""
        self.opacity = self._percentage(
            self.tr("Opacity"),
            self.tr("How strongly evidence covers the picture in an overlay."),
            display.opacity,
        )
        self.threshold = self._percentage(
            self.tr("Threshold"),
            self.tr("Evidence weaker than this part of the scale is not shown."),
            display.threshold,
        )
        self.scale = QComboBox()
        for title, value in (
            (self.tr("Each map its own"), "map"),
            (self.tr("The same for all maps"), "all"),
            (self.tr("Fixed"), "fixed"),
        ):
            self.scale.addItem(title, value)
        self.scale.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.limit = _Limit(decimals=7, minimum=1e-7, maximum=1e6)
        self.limit.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.limit.setKeyboardTracking(False)
        self.limit.setFixedWidth(SPIN_WIDTH + 14)
        self.limit.setPrefix("±")
        self._line(
            self.tr("Colour scale"),
            self.tr("Where red and blue are deepest; zero is always white."),
            self.scale,
            self.limit,
        )
        self.scale.activated.connect(self._on_scale)
        self.limit.valueChanged.connect(self._on_limit)
        self.opacity.valueChanged.connect(self._on_opacity)
        self.threshold.valueChanged.connect(self._on_threshold)
        self.show_display()

    def show_display(self) -> None:
        """Show the settings as they are."""
        self.opacity.setValue(round(100 * self._display.opacity))
        self.threshold.setValue(round(100 * self._display.threshold))
        self.scale.setCurrentIndex(self.scale.findData(self._display.scale))
        self.show_unit(self._unit)

    def show_unit(self, unit: str) -> None:
        """Show the end of the fixed scale of a unit: that of the selected map."""
        self._unit = unit
        limit = self._display.limits.get(unit)
        self.limit.setVisible(self._display.scale == "fixed" and limit is not None)
        self.limit.setToolTip(self.tr("End of the scale, in {0}").format(unit))
        if limit is not None:
            self.limit.blockSignals(True)
            self.limit.setValue(limit)
            self.limit.blockSignals(False)

    def _percentage(self, label: str, help: str, value: float) -> QSpinBox:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        spin = QSpinBox(minimum=0, maximum=100)
        spin.setSuffix(" %")
        spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        spin.setFixedWidth(SPIN_WIDTH)
        slider.valueChanged.connect(spin.setValue)
        spin.valueChanged.connect(slider.setValue)
        spin.setValue(round(100 * value))
        self._line(label, help, slider, spin)
        return spin

    def _line(self, label: str, help: str, *widgets: QWidget) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        name = QLabel(label)
        name.setFixedWidth(LABEL_WIDTH)
        name.setToolTip(help)
        line.addWidget(name)
        for at, widget in enumerate(widgets):
            widget.setAccessibleName(label)
            widget.setToolTip(help)
            line.addWidget(widget, 0 if at else 1)
        self.body.addLayout(line)

    def _on_opacity(self, value: int) -> None:
        self._display.opacity = value / 100

    def _on_threshold(self, value: int) -> None:
        self._display.threshold = value / 100

    def _on_limit(self, value: float) -> None:
        self._display.limits = {**self._display.limits, self._unit: value}

    def _on_scale(self, index: int) -> None:
        self._display.scale = self.scale.itemData(index)

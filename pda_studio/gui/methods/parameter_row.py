"""One parameter of a method as a labelled widget, generated from its declaration."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSlider,
    QWidget,
)

from pda_studio.gui.methods.number_boxes import NumberBox, WholeNumberBox
from pda_studio.gui.superqt_widgets import QLargeIntSpinBox
from pda_studio.gui.targets.layer_box import LayerBox

if TYPE_CHECKING:
    from pda_studio.methods.base import Bounds
    from pda_studio.parameters import Parameter

_DEBOUNCE = 250  # ms
_WIDEST_SLIDER = 100_000  # beyond this a slider means nothing: a number alone
SPIN_WIDTH = 72
LABEL_WIDTH = 102
_STEEP = 200  # a slider that runs further than this takes small values as seriously as large ones
_TITLES = {
    "re-initialise": "Re-initialise",
    "grid-pg": "GridPG",
    "difull": "DiFull",
    "road": "ROAD",
    "max-sensitivity": "Max-Sensitivity",
    "marginal-conditional": "Marginal and conditional",
    "before-after-softmax": "Before and after softmax",
    "original-efficient": "Original and efficient",
    "original-sampled": "Original and sampled",
    "efficient-simplified": "Efficient and simplified",
}
"""Of choices that are not written as their names."""


class _SliderScale:
    """Between a number and a slider's whole positions; long ranges run logarithmically."""

    def __init__(self, low: float, high: float, parameter: Parameter) -> None:
        self.low, self.high = low, high
        self._whole = parameter.kind == "integer"
        self._steep = low > 0 and high / low > _STEEP
        step = parameter.step or (high - low) / 100 or 1.0
        self.positions = 200 if self._steep else max(round((high - low) / step), 1)

    def position(self, value: float) -> int:
        """Where the slider stands for a value."""
        if self.high <= self.low:
            return 0
        if self._steep:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return round(part * self.positions)

    def value(self, position: int) -> float:
        """The value where the slider stands."""
        part = position / self.positions
        if self._steep:
            value = self.low * (self.high / self.low) ** part
        else:
            value = self.low + part * (self.high - self.low)
        return round(value) if self._whole else float(value)


class ParameterRow(QWidget):
    """Label, and a slider with a number, a choice, a file, or a layer; tells once it rests.

    Attributes
    ----------
    shown : tuple or None
        The value and the bounds that were shown last; None once the user has changed something.
    """

    edited = Signal(str, object)

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self.shown: tuple[object, Bounds] | None = None
        self._value: object = None
        self._showing = False
        self._rest = QTimer(self, singleShot=True, interval=_DEBOUNCE)
        self._rest.timeout.connect(self._emit_edited)
        self.label = QLabel(parameter.label)
        self.label.setFixedWidth(LABEL_WIDTH)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._layout.addWidget(self.label)
        self.slider: QSlider | None = None
        self.spin: Any = None  # one of three kinds of spin boxes
        self._scale: _SliderScale | None = None
        self.choice: QComboBox | None = None
        self.path: QLineEdit | None = None
        self.layer: LayerBox | None = None
        {
            "integer": self._make_number,
            "number": self._make_number,
            "choice": self._make_choice,
            "path": self._make_path,
            "layer": self._make_layer,
        }[parameter.kind]()
        unit = f" ({parameter.unit})" if parameter.unit else ""
        for widget in (self, *self.findChildren(QWidget)):
            widget.setToolTip("\n".join(textwrap.wrap(parameter.help, 60)))
            widget.setAccessibleName(f"{parameter.label}{unit}")

    def show_value(self, value: object, bounds: Bounds) -> None:
        """Show a value within the bounds that others leave, without telling of it."""
        dragged = self.slider is not None and self.slider.isSliderDown()
        self.shown = None if dragged else (value, bounds)
        self._showing = True
        self._value = value
        if self.spin is not None:
            self._show_number(*bounds)
        elif self.choice is not None:
            self.choice.setCurrentIndex(self.choice.findData(self._value))
        elif self.path is not None:
            self.path.setText("" if self._value is None else Path(str(self._value)).name)
            self._clear.setVisible(self._value is not None)
        elif self.layer is not None:
            self.layer.show_value(str(self._value))
        self._showing = False

    # Numbers

    def _make_number(self) -> None:
        known = self.parameter
        low, high = known.minimum, known.maximum
        whole = known.kind == "integer"
        bounded = low is not None and high is not None and high - low <= _WIDEST_SLIDER
        if whole and not bounded:
            self.spin = QLargeIntSpinBox()
            self.spin.setRange(int(low or 0), int(high if high is not None else 2**63 - 1))
        elif whole:
            self.spin = WholeNumberBox()
        else:
            self.spin = NumberBox(decimals=4)
            self.spin.setSingleStep(known.step or 0.1)
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        if bounded:
            self.slider = QSlider(Qt.Orientation.Horizontal)
            self.slider.valueChanged.connect(self._on_slider)
            self.slider.sliderReleased.connect(self._emit_edited)
            self._layout.addWidget(self.slider, 1)
            self.spin.setFixedWidth(SPIN_WIDTH)
            self._layout.addWidget(self.spin)
        else:
            self._layout.addWidget(self.spin, 1)
        self.spin.valueChanged.connect(self._on_spin)
        self.spin.editingFinished.connect(self._end_typing)

    def _show_number(self, low: float | None, high: float | None) -> None:
        number = int if self.parameter.kind == "integer" else float
        if low is not None and high is not None:
            high = max(high, low)
            self.spin.setRange(number(low), number(high))
            if self.slider is not None and not self.slider.isSliderDown():
                self._scale = _SliderScale(low, high, self.parameter)
                self.slider.setRange(0, self._scale.positions)
                self.slider.setPageStep(max(self._scale.positions // 10, 1))
                self.slider.setValue(self._scale.position(float(str(self._value))))
                self.slider.setEnabled(high > low)
        if self._is_typed():
            self.shown = None
        else:
            self.spin.setValue(self._value)

    def _is_typed(self) -> bool:
        """Whether a number is being typed: what is shown anew in between must not replace it."""
        line = self.spin.lineEdit()
        return bool(line.hasFocus() and line.isModified())

    def _end_typing(self) -> None:
        self.spin.lineEdit().setModified(False)

    def _on_slider(self, position: int) -> None:
        if self._showing or self._scale is None:
            return
        self.shown, self._value = None, self._scale.value(position)
        self._showing = True
        self.spin.setValue(self._value)
        self._showing = False
        self._rest.start()  # keys and wheel; letting go of the handle tells at once

    def _on_spin(self, value: object) -> None:
        if not self._showing:
            self.shown, self._value = None, value
            self._rest.start()

    # Choices and files

    def _make_choice(self) -> None:
        self.choice = QComboBox()
        for name in self.parameter.choices:
            self.choice.addItem(_TITLES.get(name, name.replace("-", " ").capitalize()), name)
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(8)
        self.choice.activated.connect(self._on_choice)
        self._layout.addWidget(self.choice, 1)

    def _on_choice(self, index: int) -> None:
        assert self.choice is not None
        self._value = self.choice.itemData(index)
        self._emit_edited()

    def _make_path(self) -> None:
        self.path = QLineEdit(readOnly=True, clearButtonEnabled=False)
        shipped = QCoreApplication.translate("ParameterRow", "as shipped")
        none = QCoreApplication.translate("ParameterRow", "none")
        needed = QCoreApplication.translate("ParameterRow", "choose a folder")
        empty = needed if self.parameter.required else none
        self.path.setPlaceholderText(empty if self._names_folder else shipped)
        self._layout.addWidget(self.path, 1)
        choose = QPushButton("…")
        if self.parameter.files:
            menu = QMenu(choose)
            menu.addAction(QCoreApplication.translate("ParameterRow", "Folder …"), self._ask)
            menu.addAction(
                QCoreApplication.translate("ParameterRow", "Plan (PLAN.toml) …"),
                lambda: self._ask(self.parameter.files),
            )
            choose.clicked.connect(
                lambda: menu.popup(choose.mapToGlobal(choose.rect().bottomLeft()))
            )
        else:
            choose.clicked.connect(lambda: self._ask())
        self._clear = QPushButton("×")
        self._clear.clicked.connect(lambda: self._on_path(""))
        for button in (choose, self._clear):
            button.setFixedWidth(26)
            self._layout.addWidget(button)

    @property
    def _names_folder(self) -> bool:
        """Whether the path is a folder's, by what the parameter is called."""
        return "folder" in self.parameter.label.lower()

    def _ask(self, files: str = "") -> None:
        """Ask for a folder, or for a file: one of a pattern, if there is one."""
        dialog = QFileDialog(self, self.parameter.label, "", files)
        if self._names_folder and not files:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._on_path)
        dialog.open()

    def _on_path(self, path: str) -> None:
        """Take a file; without one, go back to what is shipped."""
        self._value = path or None
        self._emit_edited()

    # Layers

    def _make_layer(self) -> None:
        self.layer = LayerBox()
        self.layer.chosen.connect(self._on_layer)
        self._layout.setAlignment(self.label, Qt.AlignmentFlag.AlignTop)
        self.label.setFixedHeight(self.layer.names.sizeHint().height())  # beside the box, not below
        self._layout.addWidget(self.layer, 1)

    def _on_layer(self, name: str) -> None:
        self._value = name
        self._emit_edited()

    def _emit_edited(self) -> None:
        self._rest.stop()
        self.shown = None
        self.edited.emit(self.parameter.name, self._value)

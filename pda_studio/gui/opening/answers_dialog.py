"""The form about a classifier's file: how its input is made, and what its outputs are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pda_studio.errors import UsageError
from pda_studio.gui.opening.class_names_box import ClassNamesBox
from pda_studio.gui.window.style_names import named

if TYPE_CHECKING:
    from pda_studio.classifiers.architectures import Fits
    from pda_studio.classifiers.spec import ClassifierSpec

_PAUSE = 300  # ms without an edit after which the predictions are made anew
_NONE = ((0.0,), (1.0,), (0.0, 1.0))
_PRESETS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]] = {
    "0 to 1": _NONE,
    "−1 to 1": ((0.5,), (0.5,), (0.0, 1.0)),
    "0 to 255": ((0.0,), (1.0,), (0.0, 255.0)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (0.0, 1.0)),
}


class AnswersDialog(QDialog):
    """Edits what a file does not say, and shows at once what the network then predicts.

    Parameters
    ----------
    file : Path
        What the form is about.
    spec : ClassifierSpec
        What is known by now: all of it is shown.
    outputs : dict of str to str
        Kinds of output by name, with what a person reads.
    fits : Fits, optional
        Of weights: the networks that they fit, of which one is to be confirmed.
    parent : QWidget, optional
        The window.
    """

    edited = Signal(object)
    """A ClassifierSpec whose predictions are to be shown."""
    answered = Signal(object)
    """The ClassifierSpec that is to be kept."""
    files_chosen = Signal(list, object)
    """Other files (Paths) that the same ClassifierSpec is to be kept for."""
    architecture_chosen = Signal(str)
    """Another network that the weights fit."""

    def __init__(
        self,
        file: Path,
        spec: ClassifierSpec,
        outputs: dict[str, str],
        fits: Fits | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Input and output of {0}").format(file.name))
        self._spec, self._fits, self._folder = spec, fits, file.parent
        self.architecture = QComboBox()
        self.architecture.addItems([] if fits is None else list(fits.names))
        self.fitting = named(QLabel(), "muted")
        self.fitting.setWordWrap(True)
        self.size_box = QSpinBox(minimum=1, maximum=4096, suffix=" px")
        self.height_box = QSpinBox(minimum=1, maximum=4096, suffix=" px")
        self.resize_box = QSpinBox(minimum=1, maximum=4096, suffix=" px")
        self.channels = QSpinBox(minimum=1, maximum=64)
        self.channel_order = QComboBox()
        self.channel_order.addItem(self.tr("Red, green, blue (RGB)"), "RGB")
        self.channel_order.addItem(self.tr("Blue, green, red (BGR: OpenCV, Caffe)"), "BGR")
        self.preset = QComboBox()
        self.preset.addItem(self.tr("Own values"))
        self.preset.addItems(list(_PRESETS))
        self.mean, self.std, self.range = QLineEdit(), QLineEdit(), QLineEdit()
        self.output = QComboBox()
        for one, label in outputs.items():
            self.output.addItem(label, one)
        self.select = QLineEdit(placeholderText=self.tr("The only one, or a name or place"))
        self.class_names = ClassNamesBox(file.parent)
        self.predictions = QLabel()
        self.problem = QLabel()
        self.written = named(QLabel(), "muted")
        for text in (self.predictions, self.problem, self.written):
            text.setWordWrap(True)
            text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.more_files = QPushButton(self.tr("Same for other files …"))
        self.more_files.setAutoDefault(False)
        self.more_files.setToolTip(self.tr("Write these answers beside other files, too"))
        self._arrange()
        self._show(spec)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._emit_edited)
        self._connect()

    def show_predictions(self, lines: list[str]) -> None:
        """Show what the network predicts with these answers."""
        self.problem.clear()
        self.predictions.setText("\n".join(lines))
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(True)

    def show_problem(self, why: str) -> None:
        """Show why it cannot predict with these answers."""
        self.predictions.clear()
        self.problem.setText(why)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(False)

    def show_written(self, text: str) -> None:
        """Show for which other files the answers were written."""
        self.written.setText(text)

    def spec(self) -> ClassifierSpec:
        """What the form says.

        Raises
        ------
        UsageError
            If it cannot be.
        """
        from pda_studio.classifiers.spec import ClassifierSpec

        try:
            names = self.class_names.names()
        except ValueError as error:
            raise UsageError(self.tr("The class names are damaged JSON: correct them.")) from error
        said: dict[str, Any] = {
            **self._spec.said(),
            "architecture": self.architecture.currentText() or self._spec.architecture,
            "input_size": (self.height_box.value(), self.size_box.value()),
            "resize": max(
                self.resize_box.value(), min(self.size_box.value(), self.height_box.value())
            ),
            "channels": self.channels.value(),
            "channel_order": (
                self.channel_order.currentData() if self.channels.value() == 3 else None
            ),
            "mean": _numbers(self.mean.text(), self.tr("Mean")),
            "std": _numbers(self.std.text(), self.tr("Standard deviation")),
            "value_range": _numbers(self.range.text(), self.tr("Black and white")),
            "output": self.output.currentData(),
            "select": self.select.text().strip() or None,
            "class_names": names or None,
        }
        return ClassifierSpec.of(**said)

    def _arrange(self) -> None:
        form = QFormLayout()
        if self._fits is not None:
            self.fitting.setText(self._fitting_text(self._fits))
            self.architecture.setAccessibleName(self.tr("Network"))
            form.addRow(self.tr("Network"), self.architecture)
            form.addRow("", self.fitting)
        for label, widget in (
            (self.tr("Input width"), self.size_box),
            (self.tr("Input height"), self.height_box),
            (self.tr("Shorter side before the crop"), self.resize_box),
            (self.tr("Channels"), self.channels),
            (self.tr("Order of channels"), self.channel_order),
            (self.tr("Values"), self.preset),
            (self.tr("Black and white"), self.range),
            (self.tr("Mean"), self.mean),
            (self.tr("Standard deviation"), self.std),
            (self.tr("Outputs"), self.output),
            (self.tr("Which output"), self.select),
            (self.tr("Class names"), self.class_names),
        ):
            (self.class_names.edit if widget is self.class_names else widget).setAccessibleName(
                label
            )
            form.addRow(label, widget)
        for choice in (self.channel_order, self.output):
            choice.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        shown = QVBoxLayout()
        shown.addWidget(named(QLabel(self.tr("Predictions for the open image")), "title"))
        shown.addWidget(self.predictions)
        shown.addWidget(self.problem)
        shown.addStretch()
        shown.addWidget(self.written)
        sides = QHBoxLayout()
        sides.addLayout(form, 3)
        sides.addSpacing(16)
        sides.addLayout(shown, 2)
        whole = QVBoxLayout(self)
        whole.addLayout(sides)
        below = QHBoxLayout()
        below.addWidget(self.more_files)
        below.addStretch()
        below.addWidget(self.buttons)
        whole.addLayout(below)
        self.resize(760, 520 if self._fits is None else 600)

    def _fitting_text(self, fits: Fits) -> str:
        text = self.tr("All {0} tensors of it are in the file, in the same shapes.").format(
            fits.tensors
        )
        if len(fits.names) > 1:
            more = self.tr("So are those of {0} others in the list: compare their predictions.")
            if len(fits.names) == 2:
                more = self.tr("So are those of the other one in the list: compare predictions.")
            return f"{text} {more.format(len(fits.names) - 1)}"
        return text if fits.sure else f"{text} {self.tr('Confirm it with OK.')}"

    def show_spec(self, spec: ClassifierSpec) -> None:
        """Show other answers, as those of another network are."""
        self._spec = spec
        self._show(spec)
        self._pause.start(0)

    def _show(self, spec: ClassifierSpec) -> None:
        self.architecture.setCurrentText(spec.architecture or self.architecture.itemText(0))
        size = spec.input_size or 224
        height, width = (size, size) if isinstance(size, int) else size
        self.size_box.setValue(width)
        self.height_box.setValue(height)
        self.resize_box.setValue(spec.resize or min(height, width))
        self.channels.setValue(spec.channels or 3)
        self.channel_order.setCurrentIndex(
            max(self.channel_order.findData(spec.channel_order or "RGB"), 0)
        )
        self._show_order()
        self._show_values(spec.mean or (0.0,), spec.std or (1.0,), spec.value_range or (0.0, 1.0))
        self.output.setCurrentIndex(max(self.output.findData(spec.output), 0))
        self.select.setText(spec.select or "")
        self.class_names.show_names(spec.class_names or ())

    def _show_order(self) -> None:
        """Three channels alone have an order to choose."""
        self.channel_order.setEnabled(self.channels.value() == 3)

    def _show_values(
        self, mean: tuple[float, ...], std: tuple[float, ...], ends: tuple[float, float]
    ) -> None:
        for edit, values in ((self.mean, mean), (self.std, std), (self.range, ends)):
            one = values if len(set(values)) > 1 or edit is self.range else values[:1]
            edit.setText(", ".join(f"{value:g}" for value in one))
        self._name_values()

    def _name_values(self) -> None:
        """Show under which name the values are known, if they are."""
        texts = [edit.text() for edit in (self.mean, self.std, self.range)]
        try:
            values = tuple(_numbers(text, "") for text in texts)
        except UsageError:  # half written
            values = ()
        known = list(_PRESETS.values())
        self.preset.setCurrentIndex(1 + known.index(values) if values in known else 0)

    def _connect(self) -> None:
        for box in (self.size_box, self.height_box, self.resize_box, self.channels):
            box.valueChanged.connect(self._on_edited)
        for edit in (self.mean, self.std, self.range, self.select):
            edit.textEdited.connect(self._on_edited)
        for edit in (self.mean, self.std, self.range):
            edit.textEdited.connect(self._name_values)
        self.class_names.edited.connect(self._on_edited)
        self.class_names.refused.connect(self.problem.setText)
        self.more_files.clicked.connect(self._choose_files)
        self.channels.valueChanged.connect(self._show_order)
        for choice in (self.channel_order, self.output):
            choice.activated.connect(self._on_edited)
        self.architecture.textActivated.connect(self.architecture_chosen)
        self.preset.activated.connect(self._on_preset)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self._pause.start(0)

    def _on_edited(self, *_: object) -> None:
        """Predict anew after a pause; what was written for other files is no longer the same."""
        self.written.clear()
        self._pause.start()

    def _on_preset(self, index: int) -> None:
        if index > 0:
            self._show_values(*_PRESETS[self.preset.itemText(index)])
            self._on_edited()

    def _emit_edited(self) -> None:
        answers = self._checked()
        if answers is not None:
            self.edited.emit(answers)

    def _choose_files(self) -> None:
        dialog = QFileDialog(self, self.tr("Same answers for other files"), str(self._folder))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._on_files_chosen)
        dialog.open()

    def _on_files_chosen(self, paths: list[str]) -> None:
        answers = self._checked()
        if answers is not None:
            self.files_chosen.emit([Path(path) for path in paths], answers)

    def _checked(self) -> ClassifierSpec | None:
        """What the form says; None where it cannot be, which is shown."""
        try:
            return self.spec()
        except UsageError as error:
            self.show_problem(str(error))
            return None

    def _on_accepted(self) -> None:
        answers = self._checked()
        if answers is not None:
            self.answered.emit(answers)
            self.accept()


def _numbers(text: str, what: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.replace(";", ",").split(",") if part.strip())
    except ValueError:
        raise UsageError(f"{what}: write numbers with commas between them.") from None

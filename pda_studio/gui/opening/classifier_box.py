"""The classifier: which network, whose weights, and its download."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from pda_studio.document.workspace import About, ClassifierChoice
from pda_studio.gui.targets.search_box import SearchBox
from pda_studio.gui.window.sections import Section
from pda_studio.gui.window.style_names import named


class ClassifierBox(Section):
    """Chooses a classifier by name and says where its weights come from."""

    wanted = Signal(object)
    """A ClassifierChoice to load."""
    name_chosen = Signal(str)
    file_wanted = Signal(str)
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.heading.setText(self.tr("Classifier"))
        self.names = SearchBox()
        self.names.setAccessibleName(self.tr("Classifier: type a part of its name"))
        self.names.setToolTip(self.tr("Type a part of a classifier's name"))
        self.names.setEnabled(False)
        self.names.activated.connect(self._on_name)
        self.weights = QComboBox()
        self.weights.setAccessibleName(self.tr("Weights"))
        self.weights.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.weights.activated.connect(self._on_weights)
        self.facts = named(QLabel(), "muted")
        self.facts.setWordWrap(True)
        self.check = named(QLabel(), "muted")
        self.check.setWordWrap(True)
        self.check.setToolTip(
            self.tr("The converted ONNX network was compared with onnxruntime on the open image")
        )
        self.check.hide()
        self.offer = QPushButton()
        self.offer.clicked.connect(self._on_offer)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedHeight(6)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.clicked.connect(self.stopped)
        line = QHBoxLayout()
        line.addWidget(self.progress, 1)
        line.addWidget(self.stop)
        for widget in (self.names, self.weights, self.facts, self.check, self.offer):
            self.body.addWidget(widget)
        self.body.addLayout(line)
        self.offer.hide()
        self.progress.hide()
        self.stop.hide()
        self._open: ClassifierChoice | None = None
        self._about: About | None = None

    def offer_names(self, names: list[str]) -> None:
        """Offer classifiers."""
        self.names.clear()
        self.names.addItems(names)  # type: ignore[no-untyped-call]
        self.names.setEnabled(True)

    def choose(self, name: str) -> None:
        """Choose a classifier by its name, as if it had been chosen from the list."""
        index = self.names.findText(name)
        if index >= 0:
            self.names.setCurrentIndex(index)
            self._on_name(index)

    def show_open(self, choice: ClassifierChoice | None, facts: str) -> None:
        """Show the classifier that is open."""
        self._open = choice
        self._about = None
        self.progress.hide()
        self.stop.hide()
        self.offer.hide()
        self.facts.setText(facts)
        if choice is None:
            return
        self.names.setCurrentText(choice.title)
        self.weights.setVisible(not choice.is_file)
        if not choice.is_file:
            self._offer_weights(choice.name, choice.weights)

    def show_loading(self, name: str, part: float) -> None:
        """Show how far loading has come; below 0 it is not known."""
        self.offer.hide()
        self.names.setCurrentText(name)
        self.progress.setRange(0, 1000)
        self.progress.setValue(round(1000 * max(part, 0)))
        self.progress.setVisible(part >= 0)
        self.stop.show()
        downloading = self.tr("Downloading {0}: {1} %").format(name, round(100 * part))
        self.facts.setText(downloading if part >= 0 else self.tr("Loading {0} …").format(name))

    def show_about(self, about: About) -> None:
        """Say what loading a classifier would take; load it where it takes nothing."""
        if self.names.currentText() != about.name:
            return
        if about.at_hand:
            self.wanted.emit(ClassifierChoice(about.name, None))
            return
        self._about = about
        self.weights.show()
        self._offer_weights(about.name, None)
        self.facts.setText(
            self.tr("{0} classes, {1} × {1} pixels. Its weights are not on this computer.").format(
                about.classes, about.input_size
            )
        )
        size = f" ({about.megabytes:.0f} MB)" if about.megabytes else ""
        self.offer.setText(self.tr("Download weights") + size)
        self.offer.show()

    def _offer_weights(self, name: str, weights: str | None) -> None:
        from pathlib import Path

        self.weights.clear()
        own = self.tr("Built-in weights") if name == "digits" else self.tr("torchvision's weights")
        self.weights.addItem(own, None)
        if weights and weights not in ("default", "random"):
            self.weights.addItem(Path(weights).name, weights)
            self.weights.setItemData(1, weights, 3)
        self.weights.addItem(self.tr("Untrained (random weights)"), "random")
        self.weights.addItem(self.tr("From a file …"), "file")
        wanted = None if weights == "default" else weights
        self.weights.setCurrentIndex(max(self.weights.findData(wanted), 0))

    def _on_name(self, index: int) -> None:
        name = self.names.itemText(index)
        if self._open is None or name != self._open.name or self._about is not None:
            self.name_chosen.emit(name)

    def _on_weights(self, index: int) -> None:
        name, value = self.names.currentText(), self.weights.itemData(index)
        if value == "file":
            self.file_wanted.emit(name)
        elif value is None:
            self.name_chosen.emit(name)
        else:
            self.wanted.emit(ClassifierChoice(name, value))

    def _on_offer(self) -> None:
        self.wanted.emit(ClassifierChoice(self.names.currentText(), None))

"""The dialog of *Run on a folder …*: images, results, what is run, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.batch.open_plan import NAMED
from pda_studio.gui.window.style_names import named

_SIZE = (640, 350)
_REST = 300  # ms without a key, after which images are counted


class BatchDialog(QDialog):
    """Asks for images and a folder for the results, and shows the progress.

    Parameters
    ----------
    parent : QWidget, optional
        The window.
    """

    edited = Signal()
    """The images or the results are others."""
    run_wanted = Signal()
    stop_wanted = Signal()
    plan_wanted = Signal()
    results_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Run on a folder"))
        self.resize(*_SIZE)
        self.images, self.results = QLineEdit(), QLineEdit()
        self.images.setPlaceholderText(self.tr("A folder, or a list of paths as .txt or .csv"))
        self.images.setAccessibleName(self.tr("Images"))
        self.results.setPlaceholderText(self.tr("A folder for maps, index and contact sheet"))
        self.results.setAccessibleName(self.tr("Results"))
        self.target = QComboBox()
        self.target.setAccessibleName(self.tr("Target"))
        self.target.activated.connect(lambda _: self._show_named())
        self.named = QLineEdit()
        self.named.setPlaceholderText(self.tr("Name or index of a class"))
        self.named.setAccessibleName(self.tr("Class"))
        self.count, self.classifiers, self.methods = _wrapped("muted"), _wrapped(""), _wrapped("")
        self.effort, self.problem, self.doing = (
            _wrapped("muted"),
            _wrapped("refusal"),
            _wrapped("muted"),
        )
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress of the run"))
        self.run_button = QPushButton(self.tr("Run"))
        self.run_button.setDefault(True)
        self.stop_button = QPushButton(self.tr("Stop"))
        self.save_button = QPushButton(self.tr("Save plan …"))
        self.open_button = QPushButton(self.tr("Open results"))
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._rest.timeout.connect(self.edited)
        for line in (self.images, self.results):
            line.textChanged.connect(lambda _: self._rest.start())
        self.run_button.clicked.connect(self.run_wanted)
        self.stop_button.clicked.connect(self.stop_wanted)
        self.save_button.clicked.connect(self.plan_wanted)
        self.open_button.clicked.connect(self.results_wanted)
        for label in (self.count, self.effort):
            label.setWordWrap(False)
        self._lay_out()
        self.show_running(False)
        self.show_problem("")

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._folder = QPushButton(self.tr("Folder …"))
        self._list = QPushButton(self.tr("List …"))
        self._results = QPushButton(self.tr("Folder …"))
        self._folder.clicked.connect(lambda: self._ask(self.images))
        self._list.clicked.connect(lambda: self._ask(self.images, self.tr("Lists (*.txt *.csv)")))
        self._results.clicked.connect(lambda: self._ask(self.results))
        form.addRow(self.tr("Images"), _beside(self.images, self._folder, self._list))
        form.addRow("", self.count)
        form.addRow(self.tr("Results"), _beside(self.results, self._results))
        form.addRow(self.tr("Classifiers"), self.classifiers)
        form.addRow(self.tr("Methods"), self.methods)
        form.addRow(self.tr("Target"), _beside(self.target, self.named))
        form.addRow("", self.effort)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save_button)
        buttons.addWidget(self.open_button)
        buttons.addStretch(1)
        buttons.addWidget(self.stop_button)
        buttons.addWidget(self.run_button)
        for button in (self._folder, self._list, self._results, self.save_button,
                       self.open_button, self.stop_button):  # fmt: skip
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(form)
        layout.addStretch(1)
        for widget in (self.problem, self.doing, self.bar):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def show_plan(self, classifiers: str, methods: str) -> None:
        """Say what will be run."""
        self.classifiers.setText(classifiers)
        self.methods.setText(methods)

    def offer_targets(self, targets: Mapping[str, str], classes: Sequence[str]) -> None:
        """Offer what can be explained, by name with a title; what was chosen stays so."""
        chosen = self.target.currentData()
        self.target.clear()
        for name, title in targets.items():
            self.target.addItem(title, name)
        self.target.setCurrentIndex(max(self.target.findData(chosen), 0))
        completer = QCompleter(list(classes), self.named)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.named.setCompleter(completer)
        self._show_named()

    def _show_named(self) -> None:
        named = self.target.currentData() == NAMED
        self.named.setVisible(named)
        if named and self.isVisible():
            self.named.setFocus()

    def show_count(self, found: str, effort: str) -> None:
        """Say how many images there are, and how long they take."""
        self.count.setText(found)
        self.effort.setText(effort)

    def show_problem(self, text: str) -> None:
        """Say why it is not run; "" if nothing is wrong."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_running(self, running: bool, *, stopped: bool = False) -> None:
        """Show that it runs, or does not; what was stopped may be resumed."""
        self._rest.stop()  # what was typed is taken: a count would wipe out what is told of the run
        self.run_button.setText(self.tr("Resume") if stopped else self.tr("Run"))
        self.run_button.setEnabled(not running)
        self.stop_button.setEnabled(running)
        self.open_button.setVisible(False)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)
        inputs = self.images, self.results, self.target, self.named
        for widget in (*inputs, self._folder, self._list, self._results):
            widget.setEnabled(not running)

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far it is; without a total, that one cannot say."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.doing.setText(text)

    def show_finished(self, text: str) -> None:
        """Say what came of it; the results can be opened."""
        self.show_running(False)
        self.doing.setText(text)
        self.open_button.show()

    def _ask(self, line: QLineEdit, kinds: str = "") -> None:
        dialog = QFileDialog(self, self.windowTitle(), line.text(), kinds)
        if not kinds:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(line.setText)
        dialog.open()


def _beside(*widgets: QWidget) -> QHBoxLayout:
    line = QHBoxLayout()
    for widget in widgets:
        line.addWidget(widget, 1 if isinstance(widget, QLineEdit) else 0)
    return line


def _wrapped(name: str) -> QLabel:
    label = named(QLabel(), name)
    label.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)  # else a form gives it no more width than one word needs
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label

"""Class names in the form: typed, pasted, dropped as a file or loaded from one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from pda_studio.errors import PdaStudioError


def _reading() -> Any:
    """What the engine makes of texts and files, once it is there: the window is there before."""
    return import_module("pda_studio.classifiers.class_names")


class ClassNamesBox(QWidget):
    """A list of names to edit, and a button that loads it from a file.

    Parameters
    ----------
    folder : Path
        Where the dialog looks for files first.
    parent : QWidget, optional
        The form.
    """

    edited = Signal()
    """Other names."""
    refused = Signal(str)
    """Why a file was not taken."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.edit = _Names(placeholderText=self.tr("One a line, or a file dropped here"))
        self.edit.setMinimumHeight(72)
        self.edit.file_dropped.connect(self.load)
        self.edit.textChanged.connect(self.edited)
        self.load_button = QPushButton(self.tr("Load class names …"))
        self.load_button.setToolTip(
            self.tr("From a text with one name a line, a CSV table of index and name, or JSON")
        )
        self.load_button.setAutoDefault(False)
        self.load_button.clicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.edit)
        column.addWidget(self.load_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.setFocusProxy(self.edit)

    def names(self) -> tuple[str, ...]:
        """The names as they stand there.

        Raises
        ------
        ValueError
            If they are damaged JSON.
        """
        names: tuple[str, ...] = _reading().names_in(self.edit.toPlainText())
        return names

    def show_names(self, names: tuple[str, ...]) -> None:
        """Show names in the place of those that stand there."""
        self.edit.setPlainText(_reading().text_of(names))

    def load(self, path: Path) -> None:
        """Show the names that a file holds; where it holds none, say so and keep what is there."""
        try:
            self.show_names(_reading().read_class_names(path))
        except PdaStudioError as error:
            self.refused.emit(str(error))

    def _choose(self) -> None:
        kinds = self.tr("Class names ({0})").format("*.txt *.csv *.tsv *.json")
        everything = self.tr("All files ({0})").format("*")
        dialog = QFileDialog(
            self, self.tr("Load class names"), str(self._folder), f"{kinds};;{everything}"
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.load(Path(path)))
        dialog.open()


class _Names(QPlainTextEdit):
    """Takes a dropped or pasted file for the names in it, rather than for its address."""

    file_dropped = Signal(Path)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Texts and files."""
        return _file_in(source) is not None or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Load a file, or insert a text."""
        path = _file_in(source)
        if path is None:
            super().insertFromMimeData(source)
        else:
            self.file_dropped.emit(path)


def _file_in(source: QMimeData) -> Path | None:
    urls = source.urls() if source.hasUrls() else []
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None

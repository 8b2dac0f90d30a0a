"""The dialog of a report: which studies and maps it holds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.window.style_names import named

_SIZE = (560, 460)


class ReportDialog(QDialog):
    """Lets the user choose among what there is to report.

    Parameters
    ----------
    parent : QWidget, optional
        The window.
    """

    save_wanted = Signal(str, list)
    """The title, and the places of what was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Report"))
        self.resize(*_SIZE)
        about = QLabel(
            self.tr(
                "One HTML or PDF file with figures, tables, methods text with BibTeX, and the"
                " commands that give the same again."
            )
        )
        about.setWordWrap(True)
        self.title = QLineEdit(self.tr("Report"))
        self.title.setAccessibleName(self.tr("Title of the report"))
        self.title.setPlaceholderText(self.tr("Title"))
        self.parts = QListWidget()
        self.parts.setAccessibleName(self.tr("Studies and maps"))
        self.empty = named(QLabel(), "muted")
        self.empty.setWordWrap(True)
        self.empty.setText(
            self.tr("Finished maps of the grid, and studies that were carried out, appear here.")
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.save_button = QPushButton(self.tr("Save report …"))
        self.save_button.setDefault(True)
        buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self.save_button.clicked.connect(
            lambda: self.save_wanted.emit(self.title.text().strip(), self.chosen())
        )
        self.parts.itemChanged.connect(lambda _: self._show_choice())
        layout = QVBoxLayout(self)
        for widget in (about, self.title, self.empty):
            layout.addWidget(widget)
        layout.addWidget(self.parts, 1)
        layout.addWidget(buttons)

    def show_parts(self, names: Sequence[str]) -> None:
        """List what there is; all of it is chosen."""
        self.parts.clear()
        for name in names:
            item = QListWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.parts.addItem(item)
        self.empty.setVisible(not names)
        self._show_choice()

    def chosen(self) -> list[int]:
        """The places of what is chosen."""
        items = [self.parts.item(place) for place in range(self.parts.count())]
        checked = Qt.CheckState.Checked
        return [place for place, item in enumerate(items) if item.checkState() == checked]

    def _show_choice(self) -> None:
        self.save_button.setEnabled(bool(self.chosen()))

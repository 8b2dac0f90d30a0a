"""The files with code that are trusted, and an end to that."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.window.style_names import named

_PLACE = Qt.ItemDataRole.UserRole


class TrustedDialog(QDialog):
    """Lists files that may be run; they are trusted until that is withdrawn."""

    withdrawn = Signal(Path)
    """A file that is to be trusted no longer."""
    all_withdrawn = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Trusted files"))
        self.resize(560, 320)
        self.about = named(
            QLabel(
                self.tr(
                    "These files hold code and are run without asking when they are opened. Each"
                    " is known by its content: once it is changed, it is asked for again."
                )
            ),
            "muted",
        )
        self.about.setWordWrap(True)
        self.files = QListWidget()
        self.files.setAccessibleName(self.tr("Trusted files"))
        self.files.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.files.currentRowChanged.connect(self._enable)
        said = self.tr("No file is trusted. Before a file with code is run, you are asked.")
        self.nothing = named(QLabel(said), "muted")
        self.nothing.setWordWrap(True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.withdraw = buttons.addButton(self.tr("Trust no longer"), role)
        self.withdraw_all = buttons.addButton(self.tr("Trust none of them"), role)
        self.withdraw.clicked.connect(self._on_withdraw)
        self.withdraw_all.clicked.connect(self.all_withdrawn)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.about)
        layout.addWidget(self.files, 1)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(buttons)

    def show_files(self, places: list[str]) -> None:
        """Show where trusted files lay when they were trusted."""
        self.files.clear()
        for place in sorted(places):
            item = QListWidgetItem(place)
            item.setData(_PLACE, place)
            item.setToolTip(place)
            self.files.addItem(item)
        self.files.setCurrentRow(0)
        self.about.setVisible(bool(places))
        self.files.setVisible(bool(places))
        self.nothing.setVisible(not places)
        self._enable()

    def _enable(self, *_: object) -> None:
        self.withdraw.setEnabled(self.files.currentItem() is not None)
        self.withdraw_all.setEnabled(self.files.count() > 0)

    def _on_withdraw(self) -> None:
        item = self.files.currentItem()
        if item is not None:
            self.withdrawn.emit(Path(str(item.data(_PLACE))))

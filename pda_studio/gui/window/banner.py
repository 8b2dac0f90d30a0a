"""Messages in the window: what went wrong, with the details behind a button."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.window.theme import ThemeKeeper


class Banner(QFrame):
    """A message over the grid that stays until it is closed; nothing waits for it."""

    action = Signal()

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = plain_button(theme, "warning", self.tr("Problem"))
        self._icon.setEnabled(True)
        self._icon.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._icon.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._theme = theme
        self.message = QLabel(wordWrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action_button = QPushButton()
        self.action_button.clicked.connect(self._act)
        self._does: Callable[[], None] | None = None
        self.reported: Callable[[str, str], str] = "{}\n\n{}".format
        """Makes a report of a message and its details."""
        self.details_button = QPushButton(self.tr("Details"))
        self.details_button.setCheckable(True)
        self.copy_button = QPushButton(self.tr("Copy report"))
        self.copy_button.clicked.connect(self._copy)
        close = plain_button(theme, "close", self.tr("Close this message"))
        close.clicked.connect(self.hide)
        self.details = QPlainTextEdit(readOnly=True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setFixedHeight(150)
        self.details.setAccessibleName(self.tr("Details of the problem"))
        self.details_button.toggled.connect(self.details.setVisible)
        self.details_button.toggled.connect(self.copy_button.setVisible)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._icon)
        line.addWidget(self.message, 1)
        for button in (self.action_button, self.copy_button, self.details_button, close):
            line.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.addLayout(line)
        layout.addWidget(self.details)
        self.hide()

    def show_message(
        self,
        message: str,
        details: str = "",
        action: str = "",
        does: Callable[[], None] | None = None,
    ) -> None:
        """Show a problem (with details) or a notice (without).

        Parameters
        ----------
        message, details : str
            What is told, and what a report of it needs.
        action : str
            What the button says; without it, there is none.
        does : callable, optional
            What the button does; without it, `action` is emitted.
        """
        self._does = does
        problem = bool(details)
        self.setObjectName("banner" if problem else "notice")
        self._theme.set_icon(self._icon, "warning" if problem else "info")
        self.style().unpolish(self)  # the name decides the colours: read it anew
        self.style().polish(self)
        self.message.setText(message)
        self.message.setAccessibleName(message)
        self.details.setPlainText(details)
        self.details_button.setVisible(problem)
        self.details_button.setChecked(False)
        self.details.hide()
        self.copy_button.hide()
        self.action_button.setText(action)
        self.action_button.setVisible(bool(action))
        self.show()

    def _act(self) -> None:
        if self._does is None:
            self.action.emit()
        else:
            self.hide()
            self._does()

    def _copy(self) -> None:
        text = self.reported(self.message.text(), self.details.toPlainText())
        QGuiApplication.clipboard().setText(text)

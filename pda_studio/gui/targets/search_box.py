"""A list with a search: type a part of a name, choose among the matches."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from pda_studio.gui.superqt_widgets import QSearchableComboBox
from pda_studio.gui.window.style_names import named

_WIDTH = 240  # pixels of the list of matches


class SearchBox(QSearchableComboBox):
    """Typing replaces what is chosen; leaving it or Escape puts the choice back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        line = self.lineEdit()
        assert line is not None  # it is editable
        self._line = line  # kept, so that the filter knows it again
        line.installEventFilter(self)
        completer = self.completer()
        popup = completer.popup() if completer else None
        assert popup is not None
        matches = named(popup, "choices")
        matches.setItemDelegate(QStyledItemDelegate(matches))  # the completer's own has no style
        matches.setMinimumWidth(_WIDTH)
        self.destroyed.connect(matches.deleteLater)  # nobody else owns it

    def setAccessibleName(self, name: str) -> None:
        """Name the box, and the field in it, which has the focus."""
        super().setAccessibleName(name)
        self._line.setAccessibleName(name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Select everything on entering, put the choice back on leaving."""
        if watched is not getattr(self, "_line", None):
            return bool(super().eventFilter(watched, event))
        line = self._line
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        match event.type():
            case QEvent.Type.FocusIn:
                QTimer.singleShot(0, line, line.selectAll)  # the click itself deselects
            case QEvent.Type.FocusOut:
                self._restore()
            case QEvent.Type.ShortcutOverride if escape:
                event.accept()  # else Escape would stop the work
                return True
            case QEvent.Type.KeyPress if escape:
                self._restore()
                line.selectAll()
                return True
        return bool(super().eventFilter(watched, event))

    def _restore(self) -> None:
        completer = self.completer()
        popup = completer.popup() if completer is not None else None
        if popup is None or not popup.isVisible():
            self.setEditText(self.itemText(self.currentIndex()))

"""Chooses a layer of the network: from a list like a tree, or by typing a part of its name."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.targets.layers import Layers
from pda_studio.gui.targets.search_box import SearchBox
from pda_studio.gui.window.style_names import named

_KIND = Qt.ItemDataRole.UserRole + 1
_INDENT = 14  # pixels for each block around a layer
_LINE = 22  # pixels, from line to line
_LINES = 16  # of the list, at once
_ROOM = 18  # between a name and its kind


class LayerBox(QWidget):
    """A search box of layers; a name that is none is refused with a sentence below it."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names = _Names()
        self.names.setItemDelegate(_Branch(self.names))
        self.names.setMaxVisibleItems(_LINES)
        self.names.activated.connect(self._on_activated)
        self.names.unknown.connect(self._refuse)
        self.refusal = named(QLabel(), "refusal")
        self.refusal.setWordWrap(True)
        self.refusal.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.names)
        layout.addWidget(self.refusal)
        self._layers = Layers("")
        self._value = ""

    def offer(self, layers: Layers) -> None:
        """Offer the layers of a network."""
        self._layers = layers
        names = self.names
        names.clear()
        kinds = {
            "auto": self.tr("the earliest that will do"),
            "input": self.tr("the image itself"),
            **{layer.name: layer.kind for layer in layers.layers},
        }
        names.addItems(list(kinds))  # type: ignore[no-untyped-call]
        for at, kind in enumerate(kinds.values()):
            names.setItemData(at, kind, _KIND)
        if layers.layers:
            names.insertSeparator(2)
        names.view().setMinimumWidth(names.view().sizeHintForColumn(0) + 2 * _ROOM)
        self.show_value(self._value)

    def show_value(self, value: str) -> None:
        """Show what is chosen."""
        self._value = value
        self.refusal.hide()
        if self.names.findText(value, Qt.MatchFlag.MatchExactly) < 0:
            # The layers are not known yet, or it is none of this network.
            self.names.addItem(value)  # type: ignore[no-untyped-call]
        self.names.setCurrentIndex(self.names.findText(value, Qt.MatchFlag.MatchExactly))

    def _on_activated(self, index: int) -> None:
        name = self.names.itemText(index)
        self.refusal.hide()
        if name and name != self._value:
            self._value = name
            self.chosen.emit(name)

    def _refuse(self, name: str) -> None:
        self.refusal.setText(self._layers.refusal(name))
        self.refusal.show()


class _Names(SearchBox):
    """Tells of what was typed and is not in the list."""

    unknown = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._line.returnPressed.connect(self._look_up)

    def _look_up(self) -> None:
        """Take a whole name that was typed, or tell of one that is unknown."""
        text = self._line.text().strip()
        index = self.findText(text, Qt.MatchFlag.MatchFixedString)
        if index < 0:
            self.unknown.emit(text)
        elif index != self.currentIndex():
            self.setCurrentIndex(index)
            self.activated.emit(index)

    def _restore(self) -> None:
        text = self._line.text().strip()
        completer = self.completer()
        popup = completer.popup() if completer is not None else None
        known = self.findText(text, Qt.MatchFlag.MatchFixedString) >= 0
        super()._restore()
        searching = popup is not None and popup.isVisible()
        if text and not known and not searching:
            self.unknown.emit(text)


class _Branch(QStyledItemDelegate):
    """Indents a layer by the blocks around it, and says on the right what it is."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a line of the list."""
        line = QStyleOptionViewItem(option)
        if _is_rule(index):
            painter.setPen(line.palette.color(QPalette.ColorRole.Mid))
            painter.drawLine(
                line.rect.left(), line.rect.center().y(), line.rect.right(), line.rect.center().y()
            )
            return
        self.initStyleOption(line, index)
        name, line.text = line.text, ""
        style = line.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, line, painter, line.widget)
        selected = bool(line.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        muted = role if selected else QPalette.ColorRole.PlaceholderText
        place = line.rect.adjusted(8 + _INDENT * name.count("."), 0, -8, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.save()
        painter.setFont(line.font)
        painter.setPen(line.palette.color(role))
        painter.drawText(place, middle | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(line.palette.color(muted))
        painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, index.data(_KIND) or "")
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Room for the indented name and its kind."""
        name, kind = str(index.data() or ""), str(index.data(_KIND) or "")
        width = option.fontMetrics.horizontalAdvance(name + kind)
        return QSize(
            width + _INDENT * name.count(".") + _ROOM + 16, 7 if _is_rule(index) else _LINE
        )


def _is_rule(index: QModelIndex | QPersistentModelIndex) -> bool:
    return str(index.data(Qt.ItemDataRole.AccessibleDescriptionRole)) == "separator"

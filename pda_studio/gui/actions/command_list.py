"""A list of commands: what they do on the left, their keys drawn as keys on the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from pda_studio.gui.actions.command import Command
from pda_studio.gui.actions.fuzzy import Match

_Index = QModelIndex | QPersistentModelIndex
_ENTRY = Qt.ItemDataRole.UserRole
_LINE, _HEADING = 30, 38
_MARGIN = 12
_CAP_FONT = 11  # pixels

Entry = str | tuple[Command, Match, bool]
"""A heading; or a command, the letters that were typed, and whether to name its group."""


class _Entries(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return len(self.entries)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if isinstance(self.entries[index.row()], str):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == _ENTRY:
            return entry
        if isinstance(entry, str):
            return entry if role == Qt.ItemDataRole.DisplayRole else None
        command = entry[0]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return command.title
            case Qt.ItemDataRole.ToolTipRole:
                return command.help or None
            case Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(filter(None, (command.title, command.group, command.keys)))
        return None


class _Lines(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(200, _HEADING if isinstance(index.data(_ENTRY), str) else _LINE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry = index.data(_ENTRY)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(entry, str):
            self._paint_heading(painter, option, entry)
        else:
            self._paint_command(painter, option, *entry)
        painter.restore()

    def _paint_heading(self, painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        place = option.rect.adjusted(_MARGIN, 10, -_MARGIN, 0)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_command(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        command: Command,
        fit: Match,
        with_group: bool,
    ) -> None:
        palette = option.palette
        accent = palette.color(QPalette.ColorRole.Highlight)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            ground = QColor(accent)
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            ground.setAlphaF(0.20 if selected else 0.07)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(option.rect).adjusted(4, 1, -4, -1), 5, 5)
        group = QPalette.ColorGroup.Active if command.enabled else QPalette.ColorGroup.Disabled
        text = palette.color(group, QPalette.ColorRole.Text)
        muted = palette.color(QPalette.ColorRole.PlaceholderText) if command.enabled else text
        place = QRectF(option.rect).adjusted(_MARGIN, 0, -_MARGIN, 0)
        place.setRight(_draw_keys(painter, place, command.keys, palette, muted) - 10)
        if with_group:
            painter.setFont(option.font)
            painter.setPen(muted)
            width = painter.fontMetrics().horizontalAdvance(command.group)
            right = QRectF(place.right() - width, place.top(), width, place.height())
            if width < place.width() / 2:
                painter.drawText(right, Qt.AlignmentFlag.AlignVCenter, command.group)
                place.setRight(right.left() - 10)
        _draw_title(painter, place, command.title, set(fit.places), option.font, (text, accent))


def _draw_title(
    painter: QPainter,
    place: QRectF,
    title: str,
    typed: set[int],
    font: QFont,
    inks: tuple[QColor, QColor],
) -> None:
    """Write a title with the letters that were typed in bold; cut with … where it does not fit."""
    bold = QFont(font)
    bold.setWeight(QFont.Weight.Bold)
    x, at = place.left(), 0
    while at < len(title):
        end = at + 1
        while end < len(title) and (end in typed) == (at in typed):
            end += 1
        marked = at in typed
        part, used = title[at:end], bold if marked else font
        metrics = QFontMetricsF(used, painter.device())
        room = place.right() - x
        shown = metrics.elidedText(part, Qt.TextElideMode.ElideRight, room)
        painter.setFont(used)
        painter.setPen(inks[1] if marked else inks[0])
        rest = QRectF(x, place.top(), room, place.height())
        painter.drawText(rest, int(Qt.AlignmentFlag.AlignVCenter.value), shown)
        if shown != part:
            return
        x += metrics.horizontalAdvance(part)
        at = end


def _draw_keys(
    painter: QPainter, place: QRectF, keys: str, palette: QPalette, ink: QColor
) -> float:
    """Draw a shortcut as key caps at the right end; returns where they begin."""
    font = QFont(painter.font())
    font.setPixelSize(_CAP_FONT)
    painter.setFont(font)
    metrics = QFontMetricsF(font, painter.device())
    right = place.right()
    for cap in reversed(key_caps(keys)):
        width = max(metrics.horizontalAdvance(cap) + 12, 20)
        box = QRectF(right - width, place.center().y() - 9.5, width, 19)
        rim = QColor(ink)
        rim.setAlphaF(0.35)
        painter.setPen(rim)
        painter.setBrush(palette.color(QPalette.ColorRole.Button))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(ink)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter.value), cap)
        right = box.left() - 4
    return right


def key_caps(keys: str) -> list[str]:
    """A shortcut's single keys: “Ctrl+B, L” → Ctrl, B, L."""
    caps: list[str] = []
    for stroke in keys.split(", "):
        *before, last = stroke.replace("++", "+\0").split("+")
        caps += [*before, last.replace("\0", "+")]
    return [cap for cap in caps if cap]


class CommandList(QListView):
    """Shows commands under headings or in the order of how well they fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = _Entries(self)
        self.setModel(self._entries)
        self.setItemDelegate(_Lines(self))
        self.setObjectName("bare")
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(self.tr("Commands"))

    def show_entries(self, entries: list[Entry]) -> None:
        """Show these, and select the first command."""
        self._entries.show(entries)
        self.scrollToTop()
        self._select(0, 1)

    @property
    def entries(self) -> list[Entry]:
        """What is shown."""
        return self._entries.entries

    @property
    def chosen(self) -> Command | None:
        """The selected command."""
        entry = self.currentIndex().data(_ENTRY) if self.currentIndex().isValid() else None
        return None if entry is None or isinstance(entry, str) else entry[0]

    @property
    def whole_height(self) -> int:
        """What all lines take, in pixels."""
        headings = sum(isinstance(entry, str) for entry in self.entries)
        return headings * _HEADING + (len(self.entries) - headings) * _LINE

    def step(self, by: int) -> None:
        """Select the command that many lines further down."""
        self._select(max(self.currentIndex().row(), 0) + by, 1 if by > 0 else -1)

    def _select(self, row: int, way: int) -> None:
        row = min(max(row, 0), len(self.entries) - 1)
        while 0 <= row < len(self.entries) and isinstance(self.entries[row], str):
            row += way
        if 0 <= row < len(self.entries):
            self.setCurrentIndex(self._entries.index(row, 0))

"""Draws a result: its thumbnail, and what is said of it below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QBrush, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from pda_studio.gui.results.results_model import Cell, ResultsModel
from pda_studio.gui.results.thumbnails import SIDE, Thumbnails

_EDGE = 6  # between a cell's border and what is in it
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_THIN = "\N{THIN SPACE}"
_KEPT = 4000  # elided texts


class ResultDelegate(QStyledItemDelegate):
    """Draws the cells of a `ResultsModel`; nothing is read or decoded here."""

    def __init__(self, model: ResultsModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._thumbnails = model, thumbnails
        self._line = parent.fontMetrics().height() + 2
        self._elided: dict[tuple[str, int], str] = {}

    @property
    def least(self) -> QSize:
        """How much room a cell needs."""
        lines = 4 if self._model.several else 3
        return QSize(SIDE + 4 * _EDGE, SIDE + lines * self._line + 4 * _EDGE)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All cells have one size."""
        return self.least

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a cell."""
        at = int(self._model.order[index.row()])
        cell = self._model.cell(at)
        rect: QRect = option.rect.adjusted(2, 2, -2, -2)
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            role = QPalette.ColorRole.Highlight if chosen else QPalette.ColorRole.Mid
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            colour = palette.color(QPalette.ColorGroup.Active, role)
            painter.setPen(Qt.PenStyle.NoPen)
            if not chosen:
                colour.setAlpha(110)
            painter.setBrush(colour)
            painter.drawRoundedRect(rect, 6, 6)
        left = rect.left() + (rect.width() - SIDE) // 2
        place = QRect(left, rect.top() + _EDGE, SIDE, SIDE)
        self._draw_thumbnail(painter, palette, place, self._thumbnails.find(at), cell)
        self._draw_texts(painter, palette, place, cell, chosen)
        if cell.marked:
            self._draw_mark(painter, palette, place)

    def _draw_thumbnail(
        self, painter: QPainter, palette: QPalette, place: QRect, image: QImage | None, cell: Cell
    ) -> None:
        if image is not None and not image.isNull():
            shown = image.size()
            if max(shown.width(), shown.height()) < SIDE:  # a digit has 28 pixels
                shown = shown.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio)
            corner = QPoint(
                place.left() + (place.width() - shown.width()) // 2,
                place.top() + (place.height() - shown.height()) // 2,
            )
            painter.drawImage(QRect(corner, shown), image)
            return
        square = QRect(place.left() + (place.width() - SIDE) // 2, place.top(), SIDE, SIDE)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QPalette.ColorRole.Dark))
        painter.drawRect(square.adjusted(0, 0, -1, -1))
        text = self.tr("Failed") if cell.error else self.tr("No image") if image else ""
        if text:
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_texts(
        self, painter: QPainter, palette: QPalette, place: QRect, cell: Cell, chosen: bool
    ) -> None:
        strong = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        weak = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.PlaceholderText
        line = QRect(place.left(), place.bottom() + _EDGE, place.width(), self._line)
        painter.setPen(palette.color(QPalette.ColorGroup.Active, strong))
        said = cell.prediction or ("–" if cell.error else "")
        if cell.correct == "wrong":
            said = f"≠ {said}"
        self._write_beside(painter, line, said, cell.confidence)
        painter.setPen(palette.color(QPalette.ColorGroup.Active, weak))
        line.translate(0, self._line)
        name = f"{cell.name} ✎" if cell.noted else cell.name
        self._write(painter, line, name, Qt.TextElideMode.ElideMiddle)  # names differ at their ends
        line.translate(0, self._line)
        self._write_beside(painter, line, cell.error or cell.method, cell.agreement)
        line.translate(0, self._line)
        self._write(painter, line, cell.classifier)

    def _write_beside(self, painter: QPainter, line: QRect, text: str, number: str) -> None:
        """A text, and a number at the right end of its line."""
        number = number.replace(" ", _THIN)
        beside = self._width(painter, number) + _EDGE // 2 if number else 0
        self._write(painter, line.adjusted(0, 0, -beside, 0), text)
        painter.drawText(line, _RIGHT, number)

    def _write(
        self,
        painter: QPainter,
        place: QRect,
        text: str,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        key = text, place.width()
        if key not in self._elided:
            if len(self._elided) >= _KEPT:
                self._elided.clear()
            self._elided[key] = painter.fontMetrics().elidedText(text, elide, place.width())
        painter.drawText(place, _LEFT, self._elided[key])

    def _width(self, painter: QPainter, text: str) -> int:
        return painter.fontMetrics().horizontalAdvance(text)

    def _draw_mark(self, painter: QPainter, palette: QPalette, place: QRect) -> None:
        """A tick in the corner, on both light and dark images."""
        side = 20
        circle = QRect(place.right() - side - 4, place.top() + 4, side, side)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.HighlightedText)
        painter.setPen(QPen(colour, 1.5))
        accent = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Highlight)
        painter.setBrush(QBrush(accent))
        painter.drawEllipse(circle)
        left, middle = circle.left(), circle.center()
        painter.setPen(QPen(colour, 2))
        painter.drawPolyline(
            [
                QPoint(left + 5, middle.y() + 1),
                QPoint(middle.x() - 1, middle.y() + 5),
                QPoint(circle.right() - 4, middle.y() - 4),
            ]
        )

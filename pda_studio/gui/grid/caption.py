"""The words under a panel."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from pda_studio.gui.window.style_names import named

_APART = 8  # pixels between a line and what is offered beside it
_LEAST = 60  # pixels of that line that stay: narrower panels offer nothing here


class Caption(QLabel):
    """Two short lines under a panel, cut with … where they do not fit; all in the tooltip.

    Attributes
    ----------
    offer : QPushButton
        A link at the end of the second line, or of the first where that has more room.
    """

    accepted = Signal()
    """What is offered is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("caption")
        font = self.font()
        font.setPixelSize(11)
        self.setFont(font)
        self._lines: tuple[str, ...] = ()
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setFixedHeight(2 * self.fontMetrics().lineSpacing() + 2)
        self.offer = named(QPushButton(self), "offer")
        self.offer.setFont(font)
        self.offer.setCursor(Qt.CursorShape.PointingHandCursor)
        self.offer.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the menu and the palette have it, too
        self.offer.clicked.connect(self.accepted)
        self.offer.hide()

    def show_lines(self, *lines: str) -> None:
        """Show two lines; the tooltip has what follows, too."""
        if lines == self._lines:
            return
        self._lines = lines
        self.setToolTip("\n".join(lines))
        self._elide()

    def show_offer(self, text: str, help: str = "") -> None:
        """Show what is offered, or nothing."""
        if text != self.offer.text():
            self.offer.setText(text)
            self.offer.setToolTip(help)
            self._elide()

    def resizeEvent(self, event: object) -> None:
        """Cut the lines anew."""
        self._elide()

    def _elide(self) -> None:
        metrics, offer = self.fontMetrics(), self.offer
        wide = metrics.horizontalAdvance(offer.text()) + 2 if offer.text() else 0
        room, rooms = self.width() - wide - _APART, [self.width()] * 2
        offered = bool(wide) and room >= _LEAST
        offer.setVisible(offered)
        if offered:
            left = [room - metrics.horizontalAdvance(line) for line in self._lines[:2]]
            at = 0 if len(left) == 2 and left[1] < 0 and left[1] < left[0] else 1
            high = metrics.lineSpacing()
            offer.setGeometry(self.width() - wide, at * high, wide, high)
            rooms[at] = room
        mode = Qt.TextElideMode.ElideRight
        lines = zip(self._lines[:2], rooms, strict=False)
        self.setText("\n".join(metrics.elidedText(line, mode, room) for line, room in lines))

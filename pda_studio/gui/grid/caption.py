"""The words under a panel."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


class Caption(QLabel):
    """Two short lines under a panel, cut with … where they do not fit; all in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("caption")
        font = self.font()
        font.setPixelSize(11)
        self.setFont(font)
        self._lines: tuple[str, ...] = ()
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setFixedHeight(2 * self.fontMetrics().lineSpacing() + 2)

    def show_lines(self, *lines: str) -> None:
        """Show two lines; the tooltip has what follows, too."""
        if lines == self._lines:
            return
        self._lines = lines
        self.setToolTip("\n".join(lines))
        self._elide()

    def resizeEvent(self, event: object) -> None:
        """Cut the lines anew."""
        self._elide()

    def _elide(self) -> None:
        metrics = self.fontMetrics()
        mode = Qt.TextElideMode.ElideRight
        shown = [metrics.elidedText(line, mode, self.width()) for line in self._lines[:2]]
        self.setText("\n".join(shown))

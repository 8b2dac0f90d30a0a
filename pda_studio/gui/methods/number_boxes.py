"""Boxes for numbers in which any number can be typed: one out of bounds ends at the nearer one."""

from __future__ import annotations

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

Validated = tuple[QValidator.State, str, int]

# Qt's own boxes refuse the key that leads out of the bounds: “16” typed where 10 is the largest
# number leaves 1.


class WholeNumberBox(QSpinBox):
    """A box for whole numbers."""

    def validate(self, text: str, position: int) -> Validated:
        """Let digits be typed that lead out of the bounds: they are mended in the end."""
        state, text, position = super().validate(text, position)
        if text == "-" or self.locale().toLongLong(text)[1]:
            state = max(state, QValidator.State.Intermediate, key=_STATES.index)
        return state, text, position

    def fixup(self, text: str) -> str:
        """Put the nearest number within the bounds in the place of one beyond them."""
        number, is_number = self.locale().toLongLong(text)
        if not is_number:
            return text
        return self.textFromValue(min(max(number, self.minimum()), self.maximum()))


class NumberBox(QDoubleSpinBox):
    """A box for numbers with decimals."""

    def validate(self, text: str, position: int) -> Validated:
        """Let digits be typed that lead out of the bounds: they are mended in the end."""
        state, text, position = super().validate(text, position)
        if text == "-" or self.locale().toDouble(text)[1]:
            state = max(state, QValidator.State.Intermediate, key=_STATES.index)
        return state, text, position

    def fixup(self, text: str) -> str:
        """Put the nearest number within the bounds in the place of one beyond them."""
        number, is_number = self.locale().toDouble(text)
        if not is_number:
            return text
        return self.textFromValue(min(max(number, self.minimum()), self.maximum()))


_STATES = [
    QValidator.State.Invalid,
    QValidator.State.Intermediate,
    QValidator.State.Acceptable,
]

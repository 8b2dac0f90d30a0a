"""Boxes for numbers in which any number can be typed: one out of bounds ends at the nearer one."""

from __future__ import annotations

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

Validated = tuple[QValidator.State, str, int]

_MINUS = "−"

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
    """A box for numbers with decimals: as many as a number needs, and “−” before it."""

    def textFromValue(self, value: float) -> str:
        """The number without zeros at its end."""
        text, point = super().textFromValue(value), self.locale().decimalPoint()
        if point in text:
            text = text.rstrip(self.locale().zeroDigit()).removesuffix(point)
        return text.replace("-", _MINUS)

    def valueFromText(self, text: str) -> float:
        """The number that is written, with either sign for minus."""
        return super().valueFromText(self._typed(text))

    def _typed(self, text: str) -> str:
        return text.replace(_MINUS, self.locale().negativeSign())

    def validate(self, text: str, position: int) -> Validated:
        """Let digits be typed that lead out of the bounds: they are mended in the end."""
        typed = self._typed(text)
        state, _, position = super().validate(typed, position)
        if typed == "-" or self.locale().toDouble(typed)[1]:
            state = max(state, QValidator.State.Intermediate, key=_STATES.index)
        return state, text, position

    def fixup(self, text: str) -> str:
        """Put the nearest number within the bounds in the place of one beyond them."""
        number, is_number = self.locale().toDouble(self._typed(text))
        if not is_number:
            return text
        return self.textFromValue(min(max(number, self.minimum()), self.maximum()))


_STATES = [
    QValidator.State.Invalid,
    QValidator.State.Intermediate,
    QValidator.State.Acceptable,
]

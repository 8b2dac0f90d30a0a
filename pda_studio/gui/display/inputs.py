"""Small inputs of the display section: choices, and numbers that show what is set."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from pda_studio.gui.methods.parameter_row import SPIN_WIDTH

WIDE_SPIN = SPIN_WIDTH + 14


class Number(QDoubleSpinBox):
    """A number with three digits whatever its size."""

    def __init__(self) -> None:
        super().__init__(decimals=7, maximum=1e6)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)
        self.setFixedWidth(WIDE_SPIN)

    def textFromValue(self, value: float) -> str:
        """The value with three digits."""
        return f"{value:.3g}"


def choice(*choices: tuple[str, str]) -> QComboBox:
    """A box of choices: titles with their values."""
    box = QComboBox()
    for title, value in choices:
        box.addItem(title, value)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def show(widget: Any, value: float) -> None:
    """Show a value without a signal."""
    widget.blockSignals(True)
    widget.setValue(value)
    widget.blockSignals(False)

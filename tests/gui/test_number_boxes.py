"""Numbers are typed, whatever their bounds: one beyond them ends at the nearer one."""

import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox
from pytestqt.qtbot import QtBot

from pda_studio.gui.methods.number_boxes import NumberBox, WholeNumberBox
from pda_studio.gui.window.studio import Studio


def type_into(qtbot: QtBot, box: QAbstractSpinBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("text", "value"),
    [("16", 10), ("500", 10), ("99999999999", 10), ("0", 2), ("-3", 2), ("7", 7), ("", 5)],
)
def test_whole_numbers(qtbot: QtBot, text: str, value: int) -> None:
    box = WholeNumberBox()
    qtbot.addWidget(box)
    box.setRange(2, 10)
    box.setKeyboardTracking(False)
    box.setValue(5)
    box.show()
    type_into(qtbot, box, text)
    assert box.value() == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 0.95), ("0.5", 0.5), ("0.01", 0.05), ("-1", 0.05), ("1e9", 0.95)],
)
def test_numbers_with_decimals(qtbot: QtBot, text: str, value: float) -> None:
    box = NumberBox(decimals=4)
    qtbot.addWidget(box)
    box.setRange(0.05, 0.95)
    box.setKeyboardTracking(False)
    box.setValue(0.2)
    box.show()
    type_into(qtbot, box, text)
    assert box.value() == pytest.approx(value)


@pytest.mark.parametrize(
    ("typed", "value", "shown"),
    [
        ("10", 10.0, "10"),
        ("0.2500", 0.25, "0.25"),
        ("-900.5", -900.5, "−900.5"),
        ("-3", -3.0, "−3"),
    ],
)
def test_no_more_decimals_than_needed_and_a_real_minus(
    qtbot: QtBot, typed: str, value: float, shown: str
) -> None:
    box = NumberBox(decimals=4)
    qtbot.addWidget(box)
    box.setRange(-1000, 1000)
    box.setValue(5)
    box.show()
    type_into(qtbot, box, typed)
    assert (box.value(), box.text()) == (value, shown)
    box.setValue(5)
    box.lineEdit().setText(shown)  # as it is pasted
    box.interpretText()
    assert box.value() == value


def test_a_stride_beyond_the_window_ends_at_the_window(studio: Studio, qtbot: QtBot) -> None:
    rows = studio.window.method_box.rows
    studio.session.columns.configure(0, window=10)
    type_into(qtbot, rows["stride"].spin, "16")
    qtbot.waitUntil(lambda: studio.session.work.columns[0].method.stride == 10, timeout=WAIT)
    assert rows["stride"].spin.value() == 10
    wait_for_maps(qtbot, studio)


def test_what_is_typed_is_not_replaced_before_it_is_entered(studio: Studio, qtbot: QtBot) -> None:
    spin = studio.window.method_box.rows["stride"].spin
    studio.window.activateWindow()
    qtbot.waitUntil(studio.window.isActiveWindow, timeout=WAIT)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "4")
    studio.session.columns.configure(0, stride=3)
    assert spin.text() == "4", "the network that arrives, say, changed the stride meanwhile"
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio.session.work.columns[0].method.stride == 4, timeout=WAIT)
    studio.session.columns.configure(0, stride=2)
    assert spin.text() == "2", "once it is entered, the box shows what is set again"
    wait_for_maps(qtbot, studio)


def test_the_outer_patch_follows_the_window(studio: Studio, qtbot: QtBot) -> None:
    rows = studio.window.method_box.rows
    studio.session.columns.configure(0, infill="conditional-mean", window=4, outer=10)
    type_into(qtbot, rows["window"].spin, "9")
    qtbot.waitUntil(lambda: studio.session.work.columns[0].method.window == 9, timeout=WAIT)
    assert rows["outer"].spin.value() == 15
    wait_for_maps(qtbot, studio)


def test_the_cost_is_computed_once_for_each_edit(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_maps(qtbot, studio)
    kind = type(studio.session.work.columns[0].method)
    computed, cost = [], kind.cost

    def counted(method, subject):
        computed.append(method)
        return cost(method, subject)

    monkeypatch.setattr(kind, "cost", counted)
    studio.session.columns.configure(0, infill="marginal-samples", samples=2, seed=1, stride=1)
    wait_for_maps(qtbot, studio)
    assert computed == [studio.session.work.columns[0].method]
    studio.session.columns.configure(0, stride=2)
    wait_for_maps(qtbot, studio)
    assert len(computed) == 2, "the finest is known already"

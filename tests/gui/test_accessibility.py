"""The window without a mouse, and for those who cannot see it."""

import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Flip
from pda_studio.gui.display.display import Theme
from pda_studio.gui.grid.caption import Caption
from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.methods.parameter_row import LABEL_WIDTH
from pda_studio.gui.window.studio import Studio
from pda_studio.gui.window.theme import _DARK, _LIGHT
from pda_studio.methods import METHODS

ARROW = 30  # pixels of a box of choices that its arrow and frame take

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    ImageView,
)


def interactive(window: QWidget) -> list[QWidget]:
    """What takes input; parts of a whole that has a name are the whole's."""
    found = [one for one in window.findChildren(QWidget) if isinstance(one, INTERACTIVE)]
    return [
        one
        for one in found
        if not isinstance(one, QScrollBar)
        and not one.objectName().startswith("qt_")
        and not isinstance(one.parentWidget(), QComboBox | QAbstractSpinBox | QLineEdit)
        and one.window() is window
        # A button's words come when it is shown.
        and (one.isVisible() or not isinstance(one, QPushButton))
    ]


def test_everything_has_a_name(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("grad-cam")
    studio.session.rows.transform(Flip("vertical"))
    wait_for_maps(qtbot, studio)
    studio.window.registry["find"].trigger()
    studio.drawing.open()
    studio.composing.open()
    qtbot.waitUntil(lambda: studio.composing.composer is not None, timeout=WAIT)
    for window in (
        studio.window,
        studio.drawing.canvas,
        studio.commands.shortcuts,
        studio.composing.composer,
    ):
        widgets = interactive(window)
        assert len(widgets) > 1
        for widget in widgets:
            interface = QAccessible.queryAccessibleInterface(widget)
            name = interface.text(QAccessible.Text.Name)
            assert name.strip(" …×"), f"{widget} in {widget.parentWidget()} has no name"
    assert studio.drawing.canvas.canvas.accessibleName()


def test_tab_leads_everywhere_and_back_again(studio: Studio, qtbot: QtBot) -> None:
    window = studio.window
    studio.session.columns.add("grad-cam")
    wait_for_maps(qtbot, studio)
    window.setFocus()
    visited: list[QWidget] = []
    for _ in range(100):
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        if visited and now is visited[0]:
            break
        visited.append(now)
    assert len(set(visited)) == len(visited) >= 20
    wanted = [
        one
        for one in interactive(window)
        if one.isVisible() and one.isEnabled() and one.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not isinstance(one, ImageView)
    ]  # fmt: skip
    missing = [one for one in wanted if one not in visited]
    assert not missing
    assert sum(isinstance(one, ImageView) for one in visited) == 1
    areas = [window.splitter.widget(at) for at in range(3)]
    order = [next((i for i, a in enumerate(areas) if a.isAncestorOf(one)), -1) for one in visited]
    inside = [place for place in order if place >= 0]
    assert inside == sorted(inside), "the columns from left to right"
    names = [one for one in visited if one is window.classifier_box.names]
    assert visited.index(names[0]) < visited.index(window.predictions.list)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is visited[-1]


def test_arrows_select_panels(studio: Studio, qtbot: QtBot) -> None:
    column = studio.session.columns.add("grad-cam")
    row = studio.session.rows.transform(Flip("vertical"))
    wait_for_maps(qtbot, studio)
    grid = studio.window.grid
    assert studio.window.isActiveWindow(), "no part of a panel was a window of its own"
    grid.maps[0, 0].views[0].setFocus()
    assert studio.session.selection == (0, 0)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert studio.session.selection == (0, column.key)
    assert grid.maps[0, column.key].views[0].hasFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert studio.session.selection == (row.key, column.key)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert studio.session.selection == (row.key, column.key), "there is nothing further on"
    for _ in range(2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    assert grid.inputs[row.key].views[0].hasFocus()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_is_seen(studio: Studio, qtbot: QtBot, theme: str) -> None:
    """Whatever has the focus looks different from itself without it."""
    studio.theme.choose(theme)
    window = studio.window
    window.splitter.setFocus()
    qtbot.wait(20)
    stops = [one for one in window.tab_stops if one not in (window.images, window.predictions.list)]
    without = {one: one.grab().toImage() for one in stops}  # a list shows which line it is
    for _ in range(len(window.tab_stops)):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        qtbot.wait(1)
        now = QApplication.focusWidget()
        if now in without:
            seen = now.grab().toImage()
            assert seen != without.pop(now), f"{now} {now.accessibleName()}"
    # Of buttons that exclude one another, Tab leads to one.
    assert not set(without) & set(window.tab_stops)
    studio.theme.choose("system")


def test_predictions_are_chosen_by_keys(studio: Studio, qtbot: QtBot) -> None:
    listed = studio.window.predictions.list
    listed.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(listed, Qt.Key.Key_Down)
    if not listed.currentIndex().row():
        qtbot.keyClick(listed, Qt.Key.Key_Down)
    wanted = listed.currentIndex().data()
    assert wanted != "1"
    qtbot.keyClick(listed, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: (
            bool(studio.session.all_finished())
            and studio.session.all_finished()[0].target_name == wanted
        ),
        timeout=WAIT,
    )


def test_search_fields_have_names(studio: Studio) -> None:
    window = studio.window
    for box in (window.classifier_box.names, window.predictions.others):
        line = QAccessible.queryAccessibleInterface(box.lineEdit())
        assert line.text(QAccessible.Text.Name), "a reader says what is searched"


def _contrast(one: QColor, other: QColor) -> float:
    """How much brighter the brighter is, as WCAG 2 counts it."""

    def brightness(colour: QColor) -> float:
        parts = [part / 255 for part in colour.getRgb()[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((brightness(one), brightness(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_check_box_is_seen_ticked_or_not(studio: Studio, theme: Theme) -> None:
    """Its outline, and its tick on the ground of the tick, have a contrast of 3 to 1 at least."""
    before = studio.theme.theme
    studio.theme.choose(theme)
    try:
        box = QCheckBox()
        box.setFixedSize(40, 30)
        ground = QColor((_DARK if theme == "dark" else _LIGHT)["window"])
        for ticked in (False, True):
            box.setChecked(ticked)
            drawn = box.grab().toImage()
            colours = [drawn.pixelColor(x, drawn.height() // 2) for x in range(drawn.width())]
            assert max(_contrast(colour, ground) for colour in colours) >= 3
            inside = [drawn.pixelColor(x, y) for x in range(3, 13) for y in range(11, 19)]
            most = max(_contrast(one, inside[0]) for one in inside)
            assert (most >= 3) == ticked
    finally:
        studio.theme.choose(before)


@pytest.mark.parametrize("colours", [_LIGHT, _DARK], ids=["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(colours: dict[str, str]) -> None:
    """A contrast of 4.5 to 1 at least, as WCAG 2 asks for."""
    grounds = "window", "surface", "raised", "grid"
    pairs = [(word, on) for word in ("text", "muted", "accent", "refusal") for on in grounds]
    for word, on in [*pairs, ("on_accent", "accent"), ("text", "warning"), ("text", "line")]:
        assert _contrast(QColor(colours[word]), QColor(colours[on])) >= 4.5, f"{word} on {on}"


def test_no_word_at_the_side_of_a_small_window_is_cut(studio: Studio, qtbot: QtBot) -> None:
    window, metrics = studio.window, studio.window.fontMetrics()
    window.resize(880, 600)
    display = window.display_box
    qtbot.waitUntil(lambda: window.width() == 880, timeout=WAIT)
    for box, around in (
        (display.threshold_kind, ARROW),
        (display.sign, ARROW),
        (display.scale, ARROW),
        (display.colours, ARROW + display.colours.iconSize().width() + 4),
    ):
        texts = [box.itemText(at) for at in range(box.count())]
        longest = max(map(metrics.horizontalAdvance, texts))
        assert longest + around <= box.width(), texts
    labels = {one.label for kind in METHODS.values() for one in kind.parameters()}
    assert not [one for one in labels if metrics.horizontalAdvance(one) > LABEL_WIDTH]


def test_what_is_offered_under_a_map_stands_where_there_is_room(qtbot: QtBot) -> None:
    caption = Caption()
    qtbot.addWidget(caption)
    lines = "P(bee eater) 99.8 %", "± 4.3 % · r 0.58 · top 5 %: 17 %"
    caption.show_lines(*lines)
    caption.show_offer("Refine to 2 %")
    metrics = caption.fontMetrics()
    both = metrics.horizontalAdvance(lines[1] + caption.offer.text()) + 20
    for width, line in ((both, 1), (both - 30, 0)):
        caption.resize(width, caption.height())
        caption.show()
        assert caption.text() == "\n".join(lines)
        assert caption.offer.isVisible()
        assert caption.offer.y() == line * metrics.lineSpacing()
        assert caption.offer.geometry().right() < width

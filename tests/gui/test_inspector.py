"""Looking behind maps as a user does: clicking, dragging, stepping, by mouse and by keys."""

from collections.abc import Callable

import numpy as np
import pytest
from driver import WAIT, Opened, start_slow_map, wait_for_maps
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from pda_studio.gui.grid.image_view import ImageView
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.window.studio import Studio
from pda_studio.targets import UnitTarget


def map_view(studio: Studio, row: int = 0) -> ImageView:
    return studio.window.grid.maps[row, studio.session.work.columns[0].key].views[0]


def place(view: ImageView, column: float, row: float) -> QPoint:
    """Where a point of the image lies on the screen."""
    return view.to_screen(column, row).toPoint()


def click(qtbot: QtBot, view: ImageView, column: int, row: int) -> None:
    at = place(view, column + 0.5, row + 0.5)
    qtbot.mouseMove(view.viewport(), at)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)


def drag(qtbot: QtBot, view: ImageView, start: tuple[int, int], end: tuple[int, int]) -> None:
    first, last = place(view, *start), place(view, *end)
    qtbot.mouseMove(view.viewport(), first)
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=first)
    qtbot.mouseMove(view.viewport(), (first + last) / 2)
    qtbot.mouseMove(view.viewport(), last)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=last)


def until(qtbot: QtBot, is_so: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(is_so()), timeout=WAIT)


def looked_at(inspection: Inspection) -> bool:
    """Whether everything about the pixel has arrived."""
    spot = inspection.spot
    return (
        spot is not None
        and spot.windows is not None
        and len(spot.over) == spot.total
        and spot.removal is not None
        and spot.removal.complete
        and spot.removal.box == spot.box
    )


def inspect(qtbot: QtBot, studio: Studio, column: int, row: int) -> None:
    click(qtbot, map_view(studio), column, row)
    until(qtbot, lambda: looked_at(studio.inspection))


def marks(view: ImageView) -> list[tuple[int, int, int, int]]:
    rectangles = [mark.boundingRect() for mark in view._marks]
    return [
        (round(r.left()), round(r.top()), round(r.width()), round(r.height())) for r in rectangles
    ]


def test_tells_what_to_do_while_there_is_nothing(studio: Studio) -> None:
    inspector = studio.window.inspector
    assert inspector.isVisible()
    for page, word in (("windows", "Click a pixel"), ("region", "drag a rectangle")):
        inspector.tabs[page].click()
        assert inspector.pages.currentWidget() is inspector.hint
        assert word in inspector.hint.text()
    studio.session.open_image(None)
    assert inspector.isHidden(), "on an empty grid there is nothing to look behind"


def test_a_click_lists_the_windows_over_the_pixel(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    page, spot = studio.window.inspector.windows, studio.inspection.spot
    finished = studio.session.all_finished()[0]
    k = finished.parameters["window"]
    assert page.isVisible()
    assert page.list.model().rowCount() == k * k == len(spot.over)
    values = spot.windows.values[spot.over]
    assert np.all(np.diff(np.abs(values)) <= 0)
    assert values.mean() == pytest.approx(finished.evidence[12, 13], rel=1e-4)
    assert page.list.currentIndex().row() == 0
    box = spot.box
    assert box.left <= 13 < box.right
    assert box.top <= 12 < box.bottom
    wanted = [(box.left, box.top, k, k)]
    assert marks(map_view(studio)) == marks(studio.window.grid.inputs[0].views[0]) == wanted
    names = page.comparison.model()
    said = names.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("1: 89.6 % before")
    assert "“1” loses" in page.summary.text()
    assert f"x {13}, y {12}" in studio.window.inspector.context.text()


def test_keys_go_through_the_windows(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    page, first = studio.window.inspector.windows, studio.inspection.spot
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_Down)
    until(qtbot, lambda: looked_at(studio.inspection))
    second = studio.inspection.spot
    assert second.chosen == first.over[1]
    assert second.removal.box == second.windows.box(first.over[1])
    k = second.removal.box.width
    assert marks(map_view(studio)) == [(second.box.left, second.box.top, k, k)]


def test_a_pixel_chosen_by_keys_alone(studio: Studio, qtbot: QtBot) -> None:
    view = map_view(studio)
    view.setFocus()
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(view, Qt.Key.Key_Right, shift)
    assert view.pixel == (15, 14), "from the middle"
    qtbot.keyClick(view, Qt.Key.Key_Up, shift | Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view, Qt.Key.Key_Left, shift)
    assert view.pixel == (14, 4)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    until(qtbot, lambda: looked_at(studio.inspection))
    assert (studio.inspection.spot.column, studio.inspection.spot.row) == (14, 4)


def test_samples_are_shown_one_by_one(studio: Studio, qtbot: QtBot) -> None:
    studio.session.configure_column(0, infill="marginal-samples", samples=12)
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    page = studio.window.inspector.windows
    assert page.samples.isVisible()
    assert page.samples.count() == 12
    assert page.samples.item(11).text().endswith("%")
    assert not page.infill.isVisible()
    removal = studio.inspection.spot.removal
    mean = removal.of_each.mean()
    assert removal.after.probabilities[removal.target] == pytest.approx(mean, abs=1e-9)


def test_another_target_asks_about_the_same_window(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    before = studio.inspection.spot
    other = studio.window.predictions.list.model().index(1, 0)
    studio.window.predictions.list.clicked.emit(other)
    until(
        qtbot,
        lambda: (
            looked_at(studio.inspection)
            and studio.inspection.spot.removal.target != before.removal.target
        ),
    )
    after = studio.inspection.spot
    assert after.box == before.box
    assert after.of.target_name == other.data()
    assert np.array_equal(after.removal.infills, before.removal.infills)


def test_windows_are_scored_before_the_map_is_there(studio: Studio, qtbot: QtBot) -> None:
    studio.session.configure_column(0, infill="marginal-mean", window=5)
    studio.explainer.stop()
    assert not studio.session.all_finished()
    inspect(qtbot, studio, 13, 12)
    scored = studio.inspection.spot
    assert np.isfinite(scored.windows.values).sum() == 25
    studio.explainer.run()
    wait_for_maps(qtbot, studio)
    until(qtbot, lambda: looked_at(studio.inspection) and studio.inspection.spot.windows.complete)
    again = studio.inspection.spot
    values = again.windows.values[scored.over]
    np.testing.assert_allclose(values, scored.windows.values[scored.over], rtol=0.02, atol=0.01)


def test_many_windows_wait_for_the_map(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    click(qtbot, map_view(studio), 13, 12)
    assert "known when the map is finished" in studio.window.inspector.hint.text()
    studio.stop()
    studio.session.configure_column(0, infill="marginal-mean")
    until(qtbot, lambda: looked_at(studio.inspection))


def test_another_image_forgets_the_pixel(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        studio.open_image(studio.samples[4])
    wait_for_maps(qtbot, studio)
    until(qtbot, lambda: studio.inspection.spot is None)
    assert marks(map_view(studio)) == []


def test_variants_have_pixels_of_their_own(studio: Studio, qtbot: QtBot) -> None:
    """A map that is turned back is clicked where the original has the place."""
    studio.window.registry["rotate-right"].trigger()
    wait_for_maps(qtbot, studio)
    row = studio.session.work.rows[1].key
    studio.session.turn_back(row, True)
    view = map_view(studio, row)
    click(qtbot, view, 5, 20)
    until(qtbot, lambda: looked_at(studio.inspection))
    spot = studio.inspection.spot
    # Turned clockwise, what was at (x, y) is at (27 − y, x).
    assert (spot.column, spot.row) == (27 - 20, 5)
    k, box = spot.box.width, spot.box
    assert marks(view) == [(box.top, 28 - box.right, k, k)]
    assert marks(studio.window.grid.inputs[row].views[0]) == [(box.left, box.top, k, k)]
    assert marks(map_view(studio)) == [], "other rows show other images"


def test_a_dragged_region_is_removed(studio: Studio, qtbot: QtBot) -> None:
    qtbot.keyClick(
        studio.window,
        Qt.Key.Key_K,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    assert studio.window.registry["remove-region"].isChecked()
    drag(qtbot, map_view(studio), (9, 6), (21, 15))
    assert not studio.window.registry["remove-region"].isChecked()
    until(qtbot, lambda: studio.inspection.cut and studio.inspection.cut.removal)
    cut, page = studio.inspection.cut, studio.window.inspector.region
    box = cut.removal.box
    assert abs(np.array([box.left, box.top, box.width, box.height]) - [9, 6, 12, 9]).max() <= 1
    assert page.isVisible()
    assert page.numbers["width"].value() == box.width
    shown = (box.left, box.top, box.width, box.height)
    assert marks(map_view(studio)) == [shown]
    outside = np.ones((28, 28), bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    view = cut.of.subject.view
    assert np.array_equal(cut.removal.image[outside], view[outside])
    classifier = cut.of.subject.scored
    whole = classifier.predict(view)
    assert cut.removal.before.probabilities == pytest.approx(whole, abs=1e-6)
    without = classifier.predict(cut.removal.image)  # rounded to 8 bits
    assert cut.removal.after.probabilities == pytest.approx(without, abs=0.01)
    assert "“1” loses" in page.summary.text()


def test_the_region_follows_its_numbers_and_what_fills_it(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["remove-region"].trigger()
    drag(qtbot, studio.window.grid.inputs[0].views[0], (10, 10), (16, 16))
    until(qtbot, lambda: studio.inspection.cut and studio.inspection.cut.removal)
    page = studio.window.inspector.region
    page.numbers["left"].setValue(3)
    until(qtbot, lambda: studio.inspection.cut.removal.box.left == 3)
    page.numbers["width"].setFocus()
    page.numbers["width"].setValue(400)
    until(qtbot, lambda: studio.inspection.cut.removal.box.right == 28)
    page.fill.setCurrentIndex(page.fill.findData("grey"))
    page.fill.activated.emit(page.fill.currentIndex())
    until(qtbot, lambda: studio.inspection.cut.removal.kind == "grey")
    box = studio.inspection.cut.removal.box
    patch = studio.inspection.cut.removal.image[box.top : box.bottom, box.left : box.right]
    assert set(np.unique(patch)) == {128}
    assert "grey" in page.summary.text()


def test_one_tool_at_a_time_and_escape_leaves_it(studio: Studio, qtbot: QtBot) -> None:
    actions = studio.window.registry
    actions["crop"].trigger()
    actions["remove-region"].trigger()
    assert actions["remove-region"].isChecked()
    assert not actions["crop"].isChecked()
    assert map_view(studio)._framing
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert not actions["remove-region"].isChecked()
    assert not map_view(studio)._framing
    actions["crop"].trigger()
    assert studio.window.grid.inputs[0].views[0]._framing
    assert not map_view(studio)._framing
    drag(qtbot, studio.window.grid.inputs[0].views[0], (7, 7), (21, 21))
    wait_for_maps(qtbot, studio)
    assert len(studio.session.work.rows) == 2, "it crops again"
    assert studio.inspection.cut is None


def test_the_strongest_go_one_by_one(studio: Studio, qtbot: QtBot) -> None:
    inspector, inspection = studio.window.inspector, studio.inspection
    inspector.tabs["strongest"].click()
    until(qtbot, lambda: inspection.course and inspection.course.stages)
    page = inspector.strongest
    assert not page.back.isEnabled()
    page.forth.click()
    until(qtbot, lambda: len(inspection.course.stages) == 2)
    assert len(inspection.course.shown.boxes) == 1
    qtbot.wait(50)
    assert len(inspection.course.stages) == 2, "nothing is computed that nobody looks at"
    page.slider.setFocus()
    qtbot.keyClick(page.slider, Qt.Key.Key_PageDown)
    qtbot.keyClick(page.slider, Qt.Key.Key_PageUp)
    at = inspection.course.at
    assert at == page.slider.value() > 1
    until(qtbot, lambda: len(inspection.course.stages) > at)
    stage = inspection.course.shown
    assert len(marks(map_view(studio))) == at == len(stage.boxes)
    classifier = inspection.course.of.subject.scored
    without = classifier.predict(stage.image)
    assert stage.answer.probabilities == pytest.approx(without, abs=0.02)
    xs, ys = page.curve._line.getData()
    assert list(xs) == list(range(len(inspection.course.stages)))
    assert ys[at] == pytest.approx(stage.answer.probabilities[1])
    assert ys[at] < ys[0]
    assert page.count.text().startswith(f"{at} of {len(inspection.course.boxes)} removed")
    page.back.click()
    assert inspection.course.at == at - 1
    page.speaking.setCurrentIndex(page.speaking.findData("against"))
    page.speaking.activated.emit(page.speaking.currentIndex())
    until(qtbot, lambda: inspection.course.stages)
    assert inspection.course.at == 0
    page.forth.click()
    until(qtbot, lambda: len(inspection.course.stages) == 2)
    assert inspection.course.curve[1] > inspection.course.curve[0]


def test_plays_to_the_end_and_once_more(studio: Studio, qtbot: QtBot) -> None:
    studio.session.configure_column(0, window=14, stride=14)
    wait_for_maps(qtbot, studio)
    studio.inspecting.playing.pace.setInterval(5)
    studio.window.inspector.tabs["strongest"].click()
    until(qtbot, lambda: studio.inspection.course and studio.inspection.course.stages)
    total = len(studio.inspection.course.boxes)
    assert 0 < total <= 4
    page = studio.window.inspector.strongest
    page.play.click()
    assert page.play.accessibleName() == "Pause"
    until(qtbot, lambda: not studio.inspection.playing)
    assert len(studio.inspection.course.stages) == total + 1
    assert studio.inspection.course.at == total
    assert page.play.accessibleName() == "Play"
    page.play.click()
    assert studio.inspection.course.at == 0
    studio.window.inspector.tabs["windows"].click()
    until(qtbot, lambda: not studio.inspection.playing)


def test_methods_without_windows_have_blocks(studio: Studio, qtbot: QtBot) -> None:
    studio.session.set_method(0, "saliency")
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    spot = studio.inspection.spot
    assert spot.windows.summed
    assert spot.box.width == 7, "a quarter of the image at most"
    assert "blocks" in studio.window.inspector.windows.heading.text()
    studio.window.inspector.tabs["strongest"].click()
    until(qtbot, lambda: studio.inspection.course and studio.inspection.course.stages)
    page = studio.window.inspector.strongest
    assert page.side.isVisible()
    page.side.setValue(5)
    until(qtbot, lambda: studio.inspection.course.boxes)
    assert {box.width for box in studio.inspection.course.boxes} == {5}


def test_a_hidden_unit_has_an_activation(studio: Studio, qtbot: QtBot) -> None:
    studio.session.set_target(UnitTarget("conv2", 3))
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    removal, page = studio.inspection.spot.removal, studio.window.inspector.windows
    lost = removal.before.logits[0] - removal.after.logits[0]
    values = studio.inspection.spot.windows.values
    assert lost == pytest.approx(values[studio.inspection.spot.chosen], rel=0.02)
    assert "the activation" in page.summary.text()
    assert ("falls" in page.summary.text()) == (lost > 0)
    assert page.comparison.model().rowCount() == 1


def test_a_image_that_is_made_has_nothing_behind_it(studio: Studio, qtbot: QtBot) -> None:
    studio.session.set_method(0, "activation-maximisation")
    studio.session.configure_column(0, climb=2)
    wait_for_maps(qtbot, studio)
    click(qtbot, map_view(studio), 13, 12)
    hint = studio.window.inspector.hint
    until(qtbot, lambda: "makes an image" in hint.text())
    studio.window.inspector.tabs["strongest"].click()
    until(qtbot, lambda: "makes an image" in hint.text() and hint.isVisible())
    assert not studio.window.banner.details.toPlainText(), "a sentence in its place is enough"


def test_closed_it_stays_out_of_the_way(
    studio: Studio, opened: Opened, qtbot: QtBot, qapp: QApplication
) -> None:
    inspect(qtbot, studio, 13, 12)
    inspector, action = studio.window.inspector, studio.window.registry["inspector"]
    assert action.isChecked()
    inspector.close_button.click()
    assert inspector.isHidden()
    assert not action.isChecked()
    assert marks(map_view(studio)) == []
    click(qtbot, map_view(studio), 5, 5)
    assert (studio.inspection.spot.column, studio.inspection.spot.row) == (13, 12)
    studio.window.close()
    again = opened()
    assert again.window.inspector.isHidden()
    qtbot.keyClick(again.window, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    assert again.window.inspector.isVisible()
    again.window.close()
    assert opened().window.inspector.isVisible()


def test_the_worker_goes_on_with_the_map(studio: Studio, qtbot: QtBot) -> None:
    """A region is removed between two steps of a map that is running."""
    start_slow_map(qtbot, studio)
    studio.window.registry["remove-region"].trigger()
    drag(qtbot, map_view(studio), (5, 5), (15, 15))
    until(qtbot, lambda: studio.inspection.cut and studio.inspection.cut.removal)
    assert studio.session.panel(0, 0).state == "running"


def test_everything_has_a_name_for_screen_readers(studio: Studio) -> None:
    buttons = studio.window.inspector.findChildren(QAbstractButton)
    nameless = [one for one in buttons if not (one.accessibleName() or one.text())]
    assert nameless == []
    for widget in (
        studio.window.inspector.windows.list,
        studio.window.inspector.windows.samples,
        studio.window.inspector.windows.comparison,
        studio.window.inspector.strongest.slider,
        studio.window.inspector.strongest.curve,
        studio.window.inspector.strongest.side,
        *studio.window.inspector.region.numbers.values(),
    ):
        assert widget.accessibleName()

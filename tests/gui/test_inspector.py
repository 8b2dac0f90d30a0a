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
    pixel = inspection.pixel
    return (
        pixel is not None
        and pixel.windows is not None
        and len(pixel.over) == pixel.total
        and pixel.removal is not None
        and pixel.removal.complete
        and pixel.removal.rectangle == pixel.rectangle
    )


def inspect(qtbot: QtBot, studio: Studio, column: int, row: int) -> None:
    click(qtbot, map_view(studio), column, row)
    until(qtbot, lambda: looked_at(studio.inspection))


def marks(view: ImageView) -> list[tuple[int, int, int, int]]:
    rectangles = [mark.boundingRect() for mark in view.marks]
    return [
        (round(r.left()), round(r.top()), round(r.width()), round(r.height())) for r in rectangles
    ]


def test_tells_what_to_do_while_there_is_nothing(studio: Studio) -> None:
    inspector = studio.window.inspector
    assert inspector.isHidden(), "it is empty"
    studio.window.registry["inspector"].trigger()
    assert inspector.isVisible()
    for page, word in (("windows", "Click a pixel"), ("region", "drag a rectangle")):
        inspector.tabs[page].click()
        assert inspector.pages.currentWidget() is inspector.hint
        assert word in inspector.hint.text()
    studio.session.open_image(None)
    assert inspector.isHidden(), "on an empty grid there is nothing to look behind"


def test_a_click_lists_the_windows_over_the_pixel(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    page, pixel = studio.window.inspector.windows, studio.inspection.pixel
    finished = studio.session.all_finished()[0]
    k = finished.parameters["window"]
    assert page.isVisible()
    assert page.list.model().rowCount() == k * k == len(pixel.over)
    values = pixel.windows.values[pixel.over]
    assert np.all(np.diff(np.abs(values)) <= 0)
    assert values.mean() == pytest.approx(finished.evidence[12, 13], rel=1e-4)
    assert page.list.currentIndex().row() == 0
    rectangle = pixel.rectangle
    assert rectangle.left <= 13 < rectangle.right
    assert rectangle.top <= 12 < rectangle.bottom
    wanted = [(rectangle.left, rectangle.top, k, k)]
    assert marks(map_view(studio)) == marks(studio.window.grid.inputs[0].views[0]) == wanted
    names = page.comparison.model()
    said = names.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("1: 89.6 % before")
    assert "“1” loses" in page.summary.text()
    assert f"x {13}, y {12}" in studio.window.inspector.context.text()


def test_keys_go_through_the_windows(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    page, first = studio.window.inspector.windows, studio.inspection.pixel
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_Down)
    until(qtbot, lambda: looked_at(studio.inspection))
    second = studio.inspection.pixel
    assert second.chosen == first.over[1]
    assert second.removal.rectangle == second.windows.rectangle(first.over[1])
    k = second.removal.rectangle.width
    assert marks(map_view(studio)) == [(second.rectangle.left, second.rectangle.top, k, k)]


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
    assert (studio.inspection.pixel.column, studio.inspection.pixel.row) == (14, 4)


def test_samples_are_shown_one_by_one(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.configure(0, infill="marginal-samples", samples=12, stride=4)
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    page = studio.window.inspector.windows
    assert page.samples.isVisible()
    assert page.samples.count() == 12
    assert page.samples.item(11).text().endswith("%")
    assert not page.infill.isVisible()
    removal = studio.inspection.pixel.removal
    mean = removal.of_each.mean()
    assert removal.after.probabilities[removal.target] == pytest.approx(mean, abs=1e-9)


def test_another_target_asks_about_the_same_window(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    before = studio.inspection.pixel
    other = studio.window.predictions.list.model().index(1, 0)
    studio.window.predictions.list.clicked.emit(other)
    until(
        qtbot,
        lambda: (
            looked_at(studio.inspection)
            and studio.inspection.pixel.removal.target != before.removal.target
        ),
    )
    after = studio.inspection.pixel
    assert after.rectangle == before.rectangle
    assert after.of.target_name == other.data()
    assert np.array_equal(after.removal.infills, before.removal.infills)


def test_windows_are_scored_before_the_map_is_there(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.configure(0, infill="marginal-mean", window=5)
    studio.explainer.stop()
    assert not studio.session.all_finished()
    inspect(qtbot, studio, 13, 12)
    scored = studio.inspection.pixel
    assert np.isfinite(scored.windows.values).sum() == 25
    studio.explainer.run()
    wait_for_maps(qtbot, studio)
    until(qtbot, lambda: looked_at(studio.inspection) and studio.inspection.pixel.windows.complete)
    again = studio.inspection.pixel
    values = again.windows.values[scored.over]
    np.testing.assert_allclose(values, scored.windows.values[scored.over], rtol=0.02, atol=0.01)


def test_many_windows_wait_for_the_map(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    click(qtbot, map_view(studio), 13, 12)
    assert "known when the map is finished" in studio.window.inspector.hint.text()
    studio.stop()
    studio.session.columns.configure(0, infill="marginal-mean")
    until(qtbot, lambda: looked_at(studio.inspection))


@pytest.mark.coarse_maps
def test_another_image_forgets_the_pixel(studio: Studio, qtbot: QtBot) -> None:
    inspect(qtbot, studio, 13, 12)
    with qtbot.waitSignal(studio.opening.image_opened, timeout=WAIT):
        studio.open_image(studio.samples[4])
    wait_for_maps(qtbot, studio)
    until(qtbot, lambda: studio.inspection.pixel is None)
    assert marks(map_view(studio)) == []


@pytest.mark.coarse_maps
def test_variants_have_pixels_of_their_own(studio: Studio, qtbot: QtBot) -> None:
    """A map that is turned back is clicked where the original has the place."""
    studio.window.registry["rotate-right"].trigger()
    wait_for_maps(qtbot, studio)
    row = studio.session.work.rows[1].key
    studio.session.rows.turn_back(row, True)
    view = map_view(studio, row)
    click(qtbot, view, 5, 20)
    until(qtbot, lambda: looked_at(studio.inspection))
    pixel = studio.inspection.pixel
    # Turned clockwise, what was at (x, y) is at (27 − y, x).
    assert (pixel.column, pixel.row) == (27 - 20, 5)
    k, rectangle = pixel.rectangle.width, pixel.rectangle
    assert marks(view) == [(rectangle.top, 28 - rectangle.right, k, k)]
    assert marks(studio.window.grid.inputs[row].views[0]) == [(rectangle.left, rectangle.top, k, k)]
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
    until(qtbot, lambda: studio.inspection.region and studio.inspection.region.removal)
    region, page = studio.inspection.region, studio.window.inspector.region
    rectangle = region.removal.rectangle
    assert (
        abs(
            np.array([rectangle.left, rectangle.top, rectangle.width, rectangle.height])
            - [9, 6, 12, 9]
        ).max()
        <= 1
    )
    assert page.isVisible()
    assert page.numbers["width"].value() == rectangle.width
    shown = (rectangle.left, rectangle.top, rectangle.width, rectangle.height)
    assert marks(map_view(studio)) == [shown]
    outside = np.ones((28, 28), bool)
    outside[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = False
    view = region.of.subject.view
    assert np.array_equal(region.removal.image[outside], view[outside])
    classifier = region.of.subject.scored
    whole = classifier.predict(view)
    assert region.removal.before.probabilities == pytest.approx(whole, abs=1e-6)
    without = classifier.predict(region.removal.image)  # rounded to 8 bits
    assert region.removal.after.probabilities == pytest.approx(without, abs=0.01)
    assert "“1” loses" in page.summary.text()


def test_the_region_follows_its_numbers_and_what_fills_it(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["remove-region"].trigger()
    drag(qtbot, studio.window.grid.inputs[0].views[0], (10, 10), (16, 16))
    until(qtbot, lambda: studio.inspection.region and studio.inspection.region.removal)
    page = studio.window.inspector.region
    page.numbers["left"].setValue(3)
    until(qtbot, lambda: studio.inspection.region.removal.rectangle.left == 3)
    page.numbers["width"].setFocus()
    page.numbers["width"].setValue(400)
    until(qtbot, lambda: studio.inspection.region.removal.rectangle.right == 28)
    page.infill.setCurrentIndex(page.infill.findData("grey"))
    page.infill.activated.emit(page.infill.currentIndex())
    until(qtbot, lambda: studio.inspection.region.removal.kind == "grey")
    rectangle = studio.inspection.region.removal.rectangle
    patch = studio.inspection.region.removal.image[
        rectangle.top : rectangle.bottom, rectangle.left : rectangle.right
    ]
    assert set(np.unique(patch)) == {128}
    assert "Infill: Grey." in page.summary.text()


def is_framed_on(view: ImageView) -> bool:
    return view.cursor().shape() == Qt.CursorShape.CrossCursor


def test_one_tool_at_a_time_and_escape_leaves_it(studio: Studio, qtbot: QtBot) -> None:
    actions = studio.window.registry
    actions["crop"].trigger()
    actions["remove-region"].trigger()
    assert actions["remove-region"].isChecked()
    assert not actions["crop"].isChecked()
    assert is_framed_on(map_view(studio))
    qtbot.keyClick(studio.window, Qt.Key.Key_Escape)
    assert not actions["remove-region"].isChecked()
    assert not is_framed_on(map_view(studio))
    actions["crop"].trigger()
    assert is_framed_on(studio.window.grid.inputs[0].views[0])
    assert not is_framed_on(map_view(studio))
    drag(qtbot, studio.window.grid.inputs[0].views[0], (7, 7), (21, 21))
    wait_for_maps(qtbot, studio)
    assert len(studio.session.work.rows) == 2, "it crops again"
    assert studio.inspection.region is None


def test_the_strongest_go_one_by_one(studio: Studio, qtbot: QtBot) -> None:
    inspector, inspection = studio.window.inspector, studio.inspection
    studio.window.registry["inspector"].trigger()
    inspector.tabs["strongest"].click()
    until(qtbot, lambda: inspection.deletion and inspection.deletion.stages)
    page = inspector.strongest
    assert not page.back.isEnabled()
    page.forth.click()
    until(qtbot, lambda: len(inspection.deletion.stages) == 2)
    assert len(inspection.deletion.shown.rectangles) == 1
    qtbot.wait(50)
    assert len(inspection.deletion.stages) == 2, "nothing is computed that nobody looks at"
    page.slider.setFocus()
    qtbot.keyClick(page.slider, Qt.Key.Key_PageDown)
    qtbot.keyClick(page.slider, Qt.Key.Key_PageUp)
    at = inspection.deletion.at
    assert at == page.slider.value() > 1
    until(qtbot, lambda: len(inspection.deletion.stages) > at)
    stage = inspection.deletion.shown
    assert len(marks(map_view(studio))) == at == len(stage.rectangles)
    classifier = inspection.deletion.of.subject.scored
    without = classifier.predict(stage.image)
    assert stage.scores.probabilities == pytest.approx(without, abs=0.02)
    xs, ys = page.curve.getPlotItem().listDataItems()[0].getData()
    assert list(xs) == list(range(len(inspection.deletion.stages)))
    assert ys[at] == pytest.approx(stage.scores.probabilities[1])
    assert ys[at] < ys[0]
    assert page.count.text().startswith(f"{at} of {len(inspection.deletion.rectangles)} removed")
    page.back.click()
    assert inspection.deletion.at == at - 1
    page.sign.setCurrentIndex(page.sign.findData("against"))
    page.sign.activated.emit(page.sign.currentIndex())
    until(qtbot, lambda: inspection.deletion.stages)
    assert inspection.deletion.at == 0
    page.forth.click()
    until(qtbot, lambda: len(inspection.deletion.stages) == 2)
    assert inspection.deletion.curve[1] > inspection.deletion.curve[0]


def test_plays_to_the_end_and_once_more(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.configure(0, window=14, stride=14)
    wait_for_maps(qtbot, studio)
    studio.inspecting.playing.pace.setInterval(5)
    studio.window.registry["inspector"].trigger()
    studio.window.inspector.tabs["strongest"].click()
    until(qtbot, lambda: studio.inspection.deletion and studio.inspection.deletion.stages)
    total = len(studio.inspection.deletion.rectangles)
    assert 0 < total <= 4
    page = studio.window.inspector.strongest
    page.play.click()
    assert page.play.accessibleName() == "Pause"
    until(qtbot, lambda: not studio.inspection.playing)
    assert len(studio.inspection.deletion.stages) == total + 1
    assert studio.inspection.deletion.at == total
    assert page.play.accessibleName() == "Play"
    page.play.click()
    assert studio.inspection.deletion.at == 0
    studio.window.inspector.tabs["windows"].click()
    until(qtbot, lambda: not studio.inspection.playing)


def test_methods_without_windows_have_blocks(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_method(0, "saliency")
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    pixel = studio.inspection.pixel
    assert pixel.windows.summed
    assert pixel.rectangle.width == 7, "a quarter of the image at most"
    assert "blocks" in studio.window.inspector.windows.heading.text()
    studio.window.inspector.tabs["strongest"].click()
    until(qtbot, lambda: studio.inspection.deletion and studio.inspection.deletion.stages)
    page = studio.window.inspector.strongest
    assert page.side.isVisible()
    page.side.setValue(5)
    until(qtbot, lambda: studio.inspection.deletion.rectangles)
    assert {rectangle.width for rectangle in studio.inspection.deletion.rectangles} == {5}


def test_a_hidden_unit_has_an_activation(studio: Studio, qtbot: QtBot) -> None:
    studio.session.set_target(UnitTarget("conv2", 3))
    wait_for_maps(qtbot, studio)
    inspect(qtbot, studio, 13, 12)
    removal, page = studio.inspection.pixel.removal, studio.window.inspector.windows
    lost = removal.before.logits[0] - removal.after.logits[0]
    values = studio.inspection.pixel.windows.values
    assert lost == pytest.approx(values[studio.inspection.pixel.chosen], rel=0.02)
    assert "the activation" in page.summary.text()
    assert ("falls" in page.summary.text()) == (lost > 0)
    assert page.comparison.model().rowCount() == 1


def test_a_image_that_is_made_has_nothing_behind_it(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_method(0, "activation-maximisation")
    studio.session.columns.configure(0, climb=2)
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
    assert (studio.inspection.pixel.column, studio.inspection.pixel.row) == (13, 12)
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
    until(qtbot, lambda: studio.inspection.region and studio.inspection.region.removal)
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

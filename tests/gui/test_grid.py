"""Rows and columns of the grid: what they ask, of whom, and how variants compare."""

from dataclasses import replace

import numpy as np
import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.classifiers.layers import activations
from pda_studio.classifiers.scored import scored
from pda_studio.document.operations import Crop, Flip, Rotate
from pda_studio.document.workspace import ClassifierChoice, SourceImage
from pda_studio.gui.window.studio import Studio
from pda_studio.store import explain
from pda_studio.targets import ClassTarget, ContrastTarget, UnitTarget

RANDOM = ClassifierChoice("digits", "random")


def maps_of(studio: Studio):
    return studio.session.all_finished()


def choose(qtbot: QtBot, *texts: str) -> None:
    """Choose in the menu that is open, as a click would."""
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    for at, text in enumerate(texts):
        action = next(action for action in menu.actions() if action.text() == text)
        assert action.isEnabled(), text
        if at == len(texts) - 1:
            action.trigger()
        else:
            menu = action.menu()
            menu.aboutToShow.emit()  # as a click on it does
    opened = QApplication.activePopupWidget()
    if opened is not None:
        opened.close()


def open_column_menu(studio: Studio, qtbot: QtBot, at: int) -> None:
    key = studio.session.work.columns[at].key
    header = studio.window.grid.table.column_headers[key]
    qtbot.mouseClick(header.menu_button, Qt.MouseButton.LeftButton)


@pytest.mark.coarse_maps
def test_a_column_may_ask_another_classifier(studio: Studio, qtbot: QtBot) -> None:
    studio.memory.add_classifier(RANDOM)
    open_column_menu(studio, qtbot, 0)
    choose(qtbot, "Compare with, in a new column", "digits (random)")
    wait_for_maps(qtbot, studio)
    first, second = maps_of(studio)
    assert (first.weights, second.weights) == ("built in", "random")
    assert first.target == second.target
    assert first.parameters == second.parameters
    own = explain(
        studio.session.work.image.pixels,
        load_classifier("digits", "random"),
        target=first.target,
        **first.parameters,
    )
    np.testing.assert_allclose(second.evidence, own.evidence, atol=1e-5)
    assert studio.session.classifier.weights == "built in", "the open one stays"
    headers = [
        studio.window.grid.table.column_headers[one.key] for one in studio.session.work.columns
    ]
    assert [header.title.text() for header in headers] == ["digits", "digits (random)"]
    assert headers[1].details.text().startswith("Efficient PDA")


def test_a_classifier_that_cannot_be_loaded_fails_in_its_column_alone(
    studio: Studio, qtbot: QtBot, tmp_path
) -> None:
    path = tmp_path / "digits.safetensors"
    path.write_bytes(b"nothing of the kind")
    studio.session.columns.duplicate(0, classifier=ClassifierChoice("digits", str(path)))
    key = studio.session.work.columns[1].key
    qtbot.waitUntil(lambda: studio.session.panel(0, key).state == "failed", timeout=WAIT)
    assert studio.session.panel(0, 0).state == "done"
    assert "digits.safetensors" in studio.session.panel(0, key).message
    assert "digits.safetensors" in studio.window.banner.message.text()


@pytest.mark.coarse_maps
def test_columns_are_moved_copied_and_removed_by_their_menu(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("occlusion")
    open_column_menu(studio, qtbot, 1)
    choose(qtbot, "Move column left")
    assert [c.method.name for c in studio.session.work.columns] == ["occlusion", "efficient-pda"]
    open_column_menu(studio, qtbot, 0)
    choose(qtbot, "Duplicate column")
    methods = ["occlusion", "occlusion", "efficient-pda"]
    assert [c.method.name for c in studio.session.work.columns] == methods
    wait_for_maps(qtbot, studio)
    assert [one.method for one in maps_of(studio)] == methods
    open_column_menu(studio, qtbot, 1)
    choose(qtbot, "Remove column")
    assert len(studio.session.work.columns) == 2


@pytest.mark.coarse_maps
def test_why_one_class_rather_than_another(studio: Studio, qtbot: QtBot) -> None:
    wait_for_maps(qtbot, studio)
    session, image = studio.session, studio.session.work.image.pixels
    first = session.target.index
    studio.window.predictions.menu_wanted.emit(7, QPoint(10, 10))
    choose(qtbot, f"Why {first} rather than 7?")
    assert session.work.target == ContrastTarget(first, 7)
    wait_for_maps(qtbot, studio)
    (shown,) = maps_of(studio)
    asked = scored(load_classifier("digits"), ContrastTarget(first, 7)).classifier
    own = explain(image, asked, target=0, **shown.parameters)
    np.testing.assert_allclose(shown.evidence, own.evidence, atol=1e-4)
    assert studio.window.target_line.name.text() == f"{first} rather than 7"
    studio.window.target_line.taken_back.emit()
    assert session.target == ClassTarget(first)


@pytest.mark.coarse_maps
def test_a_hidden_unit_is_chosen_from_the_strongest_maps(studio: Studio, qtbot: QtBot) -> None:
    session = studio.session
    image, classifier = session.work.image.pixels, session.classifier
    studio.window.registry["hidden-unit"].trigger()
    dialog = studio.target_menus.dialog
    qtbot.waitUntil(lambda: dialog.thumbnails.count() > 0, timeout=WAIT)
    name = dialog.target().layer
    found = activations(classifier, image, name)
    means = found.reshape(len(found), -1).mean(1)
    assert dialog.target() == UnitTarget(name, int(means.argmax()))
    dialog.thumbnails.setCurrentRow(1)
    place = dialog.place
    qtbot.mouseClick(
        place,
        Qt.MouseButton.LeftButton,
        pos=QPoint(place.width() - 2, 2),
    )
    chosen = dialog.target()
    assert (chosen.row, chosen.column) == (0, found.shape[2] - 1)
    qtbot.mouseClick(dialog.ask_beside, Qt.MouseButton.LeftButton)
    dialog.close()
    wait_for_maps(qtbot, studio)
    shown = maps_of(studio)[1]
    unit = UnitTarget(name, chosen.channel, chosen.row, chosen.column)
    own = explain(image, classifier, target=unit, **shown.parameters)
    assert shown.unit == "activation"
    np.testing.assert_allclose(shown.evidence, own.evidence, atol=1e-5)
    assert maps_of(studio)[0].unit == "bits", "the others go on asking about the class"


def test_layers_are_found_by_a_part_of_their_name(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["hidden-unit"].trigger()
    dialog = studio.target_menus.dialog
    qtbot.waitUntil(lambda: dialog.tree.topLevelItemCount() > 0, timeout=WAIT)
    qtbot.keyClicks(dialog.filter, "conv")
    shown = [
        dialog.tree.topLevelItem(at)
        for at in range(dialog.tree.topLevelItemCount())
        if not dialog.tree.topLevelItem(at).isHidden()
    ]
    assert 0 < len(shown) < dialog.tree.topLevelItemCount() + 1
    dialog.close()
    qtbot.waitUntil(lambda: studio.target_menus.dialog is None, timeout=WAIT)


def test_three_classes_before_and_after_the_softmax_cost_nothing(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    real = Classifier.logits
    monkeypatch.setattr(
        Classifier, "logits", lambda self, batch: passes.append(len(batch)) or real(self, batch)
    )
    likely = (-maps_of(studio)[0].probabilities).argsort()[:3].tolist()
    studio.window.registry["top-classes"].trigger()
    wait_for_maps(qtbot, studio)
    shown = maps_of(studio)
    assert [one.index for one in shown] == [*likely, *likely]
    assert [one.unit for one in shown] == ["logit"] * 3 + ["probability"] * 3
    assert passes == []


@pytest.mark.coarse_maps
def test_the_mean_of_all_columns(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("occlusion")
    studio.window.registry["combine"].trigger()
    wait_for_maps(qtbot, studio)
    one, two, both = maps_of(studio)
    sizes = [m.evidence / np.sqrt((m.evidence.astype(float) ** 2).mean()) for m in (one, two)]
    np.testing.assert_allclose(both.evidence, np.mean(sizes, axis=0), atol=1e-5)
    np.testing.assert_allclose(both.standard_error, abs(sizes[0] - sizes[1]) / 2, atol=1e-5)
    studio.session.columns.configure(0, window=7)
    wait_for_maps(qtbot, studio)
    assert not np.array_equal(maps_of(studio)[2].evidence, both.evidence), "it follows"


def test_a_map_that_does_not_add_up_says_so_on_its_panel(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_method(0, "lrp-epsilon")
    wait_for_maps(qtbot, studio)
    panel = studio.window.grid.maps[0, 0]
    assert "⚠" not in panel.caption.toolTip()
    studio.session.columns.configure(0, bias="absorbs")
    wait_for_maps(qtbot, studio)
    assert "⚠ the map sums to " in panel.caption.text().splitlines()[1]


def test_the_mean_of_one_column_says_what_is_missing(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.add("combined")
    key = studio.session.work.columns[1].key
    qtbot.waitUntil(lambda: studio.session.panel(0, key).state == "failed", timeout=WAIT)
    assert "two methods" in studio.window.grid.maps[0, key].caption.toolTip()


@pytest.mark.coarse_maps
def test_another_image_as_a_row(studio: Studio, qtbot: QtBot) -> None:
    other = next(path for path in studio.samples if path.stem == "7")
    studio.opening.add_image(other)
    qtbot.waitUntil(lambda: len(studio.session.work.rows) == 2, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    first, second = maps_of(studio)
    assert second.target == first.target, "it is asked the same"
    assert not np.array_equal(first.view, second.view)
    row = studio.session.work.rows[1]
    studio.session.select(row.key, 0)
    studio.window.registry["flip-vertical"].trigger()
    wait_for_maps(qtbot, studio)
    assert np.array_equal(maps_of(studio)[2].view, second.view[::-1])
    studio.session.rows.move(studio.session.work.rows[2].key, -1)
    assert studio.session.work.rows[2] is row
    studio.session.rows.remove(row.key)
    assert len(studio.session.work.rows) == 2


@pytest.mark.coarse_maps
@pytest.mark.parametrize(
    ("operation", "there"),
    [
        (Flip("horizontal"), lambda x, y: (27 - x, y)),
        (Flip("vertical"), lambda x, y: (x, 27 - y)),
        (Rotate(90), lambda x, y: (27 - y, x)),
        (Crop(0, 0, 14, 14), lambda x, y: (2 * x, 2 * y)),
    ],
    ids=("left-right", "top-bottom", "quarter turn", "crop"),
)
def test_the_crosshair_marks_the_same_place_of_the_image(
    studio: Studio, qtbot: QtBot, operation, there
) -> None:
    row = studio.session.rows.transform(operation)
    wait_for_maps(qtbot, studio)
    view = studio.window.grid.inputs[0].views[0]
    studio.window.grid.ensureWidgetVisible(view)
    scale = view.pixel_size
    qtbot.mouseMove(view.viewport(), QPoint(int(9.5 * scale), int(4.5 * scale)))
    assert view.pixel == (9, 4)
    seen = studio.window.grid.maps[row.key, 0].views[0].pixel
    wanted = there(9, 4)
    if isinstance(operation, Crop):  # a pixel has become four
        assert seen in [(wanted[0] + dx, wanted[1] + dy) for dx in (0, 1) for dy in (0, 1)]
    else:
        assert seen == wanted
    other = studio.window.grid.inputs[row.key].views[0]
    studio.window.grid.ensureWidgetVisible(studio.window.grid.inputs[row.key])
    qtbot.mouseMove(other.viewport(), QPoint(int(3.5 * scale), int(20.5 * scale)))
    assert other.pixel == (3, 20)


@pytest.mark.coarse_maps
def test_variants_are_turned_back_and_compared(studio: Studio, qtbot: QtBot) -> None:
    row = studio.session.rows.transform(Flip("horizontal"))
    wait_for_maps(qtbot, studio)
    first, flipped = maps_of(studio)
    panel = studio.window.grid.maps[row.key, 0]
    correlation = np.corrcoef(first.evidence.ravel(), flipped.evidence[:, ::-1].ravel())[0, 1]
    assert f"r {correlation:.2f}".replace("-", "−") in panel.caption.text()
    button = studio.window.grid.table.row_headers[row.key].back_button
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert studio.session.work.row(row.key).turned_back
    inputs = studio.window.grid.inputs
    assert "Not turned back" in inputs[row.key].caption.toolTip(), "the input stays as it is"
    assert "Not turned back" not in inputs[0].caption.toolTip()
    shown = panel.shown
    np.testing.assert_allclose(shown.evidence, flipped.evidence[:, ::-1], atol=1e-5)
    np.testing.assert_array_equal(shown.view, first.view)
    studio.viewport.crosshair = (9.5, 4.5)
    assert panel.views[0].pixel == (9, 4)


@pytest.mark.coarse_maps
def test_what_is_in_sight_comes_first(studio: Studio, qtbot: QtBot) -> None:
    for degrees in (90, 180, -90):
        studio.session.edit(
            replace(
                studio.session.work,
                rows=(
                    *studio.session.work.rows,
                    replace(
                        studio.session.work.rows[0],
                        key=10 + degrees,
                        operations=(Rotate(degrees),),
                    ),
                ),
            )
        )
    studio.window.resize(900, 560)
    wait_for_maps(qtbot, studio)
    bar = studio.window.grid.verticalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    qtbot.wait(50)
    keys, seen = studio.session.panel_keys(), studio.session.visible
    assert (0, 0) not in seen
    assert set(keys[: len(seen)]) == set(seen)
    bar.setValue(0)
    qtbot.wait(50)
    assert studio.session.panel_keys()[0] == (0, 0)


def test_a_new_row_is_brought_into_sight_and_the_original_to_be_cropped(
    studio: Studio, qtbot: QtBot
) -> None:
    grid, session = studio.window.grid, studio.session
    for angle in (15, -15, 30, -30):
        row = session.rows.transform(Rotate(angle))
        qtbot.wait(50)  # until then every new panel lies in the corner
        qtbot.waitUntil(lambda key=row.key: in_sight(grid, grid.inputs[key]), timeout=WAIT)
    assert not in_sight(grid, grid.inputs[0])
    studio.window.registry["crop"].trigger()
    qtbot.waitUntil(lambda: in_sight(grid, grid.inputs[0]), timeout=WAIT)


def in_sight(grid, panel) -> bool:
    place = panel.mapTo(grid.viewport(), panel.rect().center())
    return grid.viewport().rect().contains(place)


@pytest.mark.coarse_maps
def test_a_row_is_copied_by_its_menu(studio: Studio, qtbot: QtBot) -> None:
    row = studio.session.rows.transform(Flip("vertical"))
    studio.window.grid.row_menu_wanted.emit(row.key, QPoint(10, 10))
    choose(qtbot, "Duplicate row")
    wait_for_maps(qtbot, studio)
    first, flipped, copied = maps_of(studio)
    assert len({one.key for one in studio.session.work.rows}) == 3
    assert np.array_equal(flipped.evidence, copied.evidence)
    assert not np.array_equal(first.evidence, flipped.evidence)


@pytest.mark.coarse_maps
def test_the_image_is_turned_by_any_angle(studio: Studio, qtbot: QtBot) -> None:
    studio.window.registry["rotate"].trigger()
    (dialog,) = studio.window.findChildren(QInputDialog)
    dialog.setDoubleValue(-37.5)
    dialog.accept()
    wait_for_maps(qtbot, studio)
    assert studio.session.work.rows[1].operations == (Rotate(-37.5),)


def test_no_cross_comes_to_stand_where_the_menu_stood(studio: Studio, qtbot: QtBot) -> None:
    header = studio.window.grid.table.column_headers[0]

    def menu() -> int:
        return header.menu_button.geometry().right() - header.width()

    before = menu()
    studio.session.columns.add("occlusion")
    wait_for_maps(qtbot, studio)
    assert header.close_button.isVisible()
    assert menu() == before


@pytest.mark.coarse_maps
def test_headings_stay_while_rows_scroll(studio: Studio, qtbot: QtBot) -> None:
    grid = studio.window.grid
    for operation in (Flip("horizontal"), Flip("vertical"), Rotate(90), Rotate(180)):
        studio.session.rows.transform(operation)
    studio.window.resize(900, 560)
    qtbot.waitUntil(lambda: grid.verticalScrollBar().maximum() > 0, timeout=WAIT)
    header = grid.table.column_headers[0]
    bar = grid.verticalScrollBar()
    bar.setValue(0)
    place = header.mapTo(grid, QPoint(0, 0))
    bar.setValue(bar.maximum())
    assert header.mapTo(grid, QPoint(0, 0)) == place
    assert header.isVisible()
    assert 0 <= place.y() < 20
    studio.session.columns.add("occlusion")
    studio.session.columns.add("occlusion")
    across = grid.horizontalScrollBar()
    qtbot.waitUntil(lambda: across.maximum() > 0, timeout=WAIT)
    for value in (0, across.maximum()):
        across.setValue(value)
        qtbot.wait(50)  # the layouts have their places
        for column in studio.session.work.columns:
            header = grid.table.column_headers[column.key]
            panel = grid.maps[studio.session.work.rows[-1].key, column.key]
            here, there = (one.mapTo(grid, QPoint(0, 0)).x() for one in (header, panel))
            assert here == there
            assert header.width() == panel.width()


@pytest.mark.coarse_maps
def test_crop_shows_what_the_network_does_not_get(studio: Studio, qtbot: QtBot) -> None:
    pixels = np.zeros((90, 30, 3), np.uint8)
    pixels[:12] = 200
    studio.session.open_image(SourceImage.of("tall", pixels))
    wait_for_maps(qtbot, studio)
    view = studio.window.grid.inputs[0].views[0]
    crop = studio.window.registry["crop"]
    crop.trigger()
    assert np.array_equal(view.pixels, pixels)
    (outline,) = view._marks
    frame = studio.session.classifier.preprocessing.frame(30, 90)
    assert outline.boundingRect().top() == pytest.approx(frame.top)
    assert outline.boundingRect().height() == pytest.approx(28 * frame.scale_y)
    crop.trigger()
    assert np.array_equal(view.pixels, studio.session.prediction(0).subject.view)
    assert view._marks == []
    crop.trigger()
    start, end = (view._box.mapViewToDevice(QPointF(x, y)).toPoint() for x, y in ((4, 2), (25, 11)))
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view.viewport(), end)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    assert not crop.isChecked()
    cropped = studio.session.work.rows[1].operations[0]
    assert isinstance(cropped, Crop)
    assert cropped.top + cropped.height <= 12, "it lies above all that the network got"
    wait_for_maps(qtbot, studio)
    assert studio.session.prediction(studio.session.work.rows[1].key).subject.view.min() == 200

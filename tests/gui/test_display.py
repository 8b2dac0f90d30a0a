"""The display: what the user sets there is what the panels and the figure show."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, wait_for_maps
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QSlider, QWidget
from pytestqt.qtbot import QtBot
from scipy.stats import spearmanr

from pda_studio.document.figure import grid_of
from pda_studio.figures import Composition, draw_composition
from pda_studio.gui.window.studio import Studio
from pda_studio.rendering import (
    STYLES,
    Appearance,
    Drawing,
    OverlayStyle,
    Threshold,
    contours,
    heat_map,
    overlay,
)


def first_map(studio: Studio):
    return studio.session.all_finished()[0]


def panel(studio: Studio):
    return studio.window.grid.maps[0, 0]


def button(parent: QWidget, text: str) -> QAbstractButton:
    """The button that bears a text."""
    (found,) = (one for one in parent.findChildren(QAbstractButton) if one.text() == text)
    return found


def choose(box: QComboBox, value: str) -> None:
    """Choose as a click in the list does."""
    at = box.findData(value)
    assert at >= 0, value
    box.setCurrentIndex(at)
    box.activated.emit(at)


def drag(qtbot: QtBot, studio: Studio, start: float, end: float, *, upper: bool) -> None:
    """Drag a grip of the histogram from one place to another, in pixels from its left."""
    view = studio.window.display_box.histogram
    y = 4 if upper else view.height() - 4
    places = [QPoint(round(start + part * (end - start)), y) for part in (0, 0.3, 0.7, 1)]
    qtbot.mouseMove(view, places[0])
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        qtbot.mouseMove(view, place)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=places[-1])


def test_what_is_chosen_is_what_is_seen(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_style(0, "both")
    box, evidence_map = studio.window.display_box, first_map(studio)
    choose(box.style_box, "hue")
    choose(box.sign, "for")
    choose(box.colours, "PuOr_r")
    box.opacity_slider.setValue(60)
    choose(box.threshold_kind, "percentile")
    box.threshold.setValue(75)
    wanted = Appearance(
        style="hue",
        sign="for",
        colours="PuOr_r",
        opacity=0.6,
        threshold=Threshold("percentile", percentile=75),
    )
    assert studio.display.appearance == wanted
    heat, laid_over = panel(studio).views
    limit = evidence_map.limit
    np.testing.assert_array_equal(heat.pixels, heat_map(evidence_map, wanted, limit))
    np.testing.assert_array_equal(laid_over.pixels, overlay(evidence_map, wanted, limit))
    assert box.opacity.value() == 60


def test_each_kind_of_threshold_keeps_its_level(studio: Studio) -> None:
    box = studio.window.display_box
    for kind, level, suffix in (
        ("part", 20, " %"),
        ("value", 0.4, ""),
        ("percentile", 70, " %"),
        ("significance", 3, " SE"),
    ):
        choose(box.threshold_kind, kind)
        box.threshold.setValue(level)
        assert box.threshold.suffix() == suffix
    threshold = studio.display.appearance.threshold
    assert threshold == Threshold("significance", 0.2, {"bits": 0.4}, 70, 3)
    choose(box.threshold_kind, "value")
    assert box.threshold.value() == 0.4


def test_significance_says_where_there_is_no_standard_error(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_style(0, "map")
    box = studio.window.display_box
    choose(box.threshold_kind, "significance")
    assert box.note.isVisible()
    assert "floor" not in box.histogram.handles or box.histogram.floor == 0
    studio.session.columns.configure(0, infill="marginal-samples", samples=6, stride=2)
    wait_for_maps(qtbot, studio)
    assert not box.note.isVisible()
    assert "floor" not in box.histogram.handles
    evidence_map = first_map(studio)
    weak = np.abs(evidence_map.evidence) <= 2 * evidence_map.standard_error
    assert 0 < weak.sum() < weak.size
    assert (panel(studio).views[0].pixels[weak] == 255).all()


def test_contours_are_drawn_as_lines_on_the_screen(studio: Studio, qtbot: QtBot) -> None:
    studio.session.columns.set_style(0, "overlay")
    view = panel(studio).views[0]
    choose(studio.window.display_box.style_box, "contours")
    evidence_map = first_map(studio)
    expected = contours(evidence_map, studio.display.appearance, evidence_map.limit)
    assert view.levels == [one.level for one in expected]
    assert (np.ptp(view.pixels.astype(int), axis=2) == 0).all()
    for zoom in (1.0, 2.5):
        if zoom != 1:
            studio.viewport.zoom_by(zoom, (0.4, 0.4))
        image = view.grab().toImage()
        hits = strays = 0
        red = np.array(
            [
                [image.pixelColor(x, y).red() - image.pixelColor(x, y).blue() > 40
                 for x in range(image.width())]
                for y in range(image.height())
            ]
        )  # fmt: skip
        near = np.zeros_like(red)
        for contour in expected:
            for x, y in contour.points:
                place = view.to_screen(x, y)
                near[
                    max(round(place.y()) - 2, 0) : max(round(place.y()) + 3, 0),
                    max(round(place.x()) - 2, 0) : max(round(place.x()) + 3, 0),
                ] = True
                inside = 2 < place.x() < view.width() - 2 and 2 < place.y() < view.height() - 2
                if inside:
                    around = red[
                        int(place.y()) - 2 : int(place.y()) + 3,
                        int(place.x()) - 2 : int(place.x()) + 3,
                    ]
                    hits += around.any()
                    strays += not around.any()
        assert hits > 20
        assert strays < 0.05 * hits
        assert 0.005 < red.mean() < 0.2, "lines, not areas"
    choose(studio.window.display_box.style_box, "blend")
    assert not view.levels


def test_the_end_of_the_scale_is_dragged(studio: Studio, qtbot: QtBot) -> None:
    box, evidence_map = studio.window.display_box, first_map(studio)
    view = box.histogram
    left, right = view.handles["end"]
    assert left + right == pytest.approx(view.width(), abs=1), "symmetric"
    half = view.width() / 2
    drag(qtbot, studio, right, half + (right - half) / 2, upper=False)
    appearance = studio.display.appearance
    assert appearance.scale == "fixed"
    assert appearance.limits["bits"] == pytest.approx(evidence_map.limit / 2, rel=0.02)
    assert panel(studio).bar.ends == (-appearance.limits["bits"], appearance.limits["bits"])
    assert box.limit.value() == appearance.limits["bits"]
    assert box.scale.currentData() == "fixed"
    # The left one moves both, too; further out than the axis reached.
    left = view.handles["end"][0]
    drag(qtbot, studio, left, -view.width() / 4, upper=False)
    assert studio.display.appearance.limits["bits"] > 1.5 * evidence_map.limit
    assert 0 <= view.handles["end"][0] < half < view.handles["end"][1] <= view.width()
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(half), 30))
    assert studio.display.appearance.scale == "map"
    assert panel(studio).bar.ends[1] == evidence_map.limit


@pytest.mark.parametrize("kind", ["part", "value", "percentile"])
def test_the_threshold_is_dragged(studio: Studio, qtbot: QtBot, kind: str) -> None:
    studio.session.columns.set_style(0, "map")
    box, evidence_map = studio.window.display_box, first_map(studio)
    choose(box.threshold_kind, kind)
    if kind == "percentile":
        box.threshold.setValue(0)
    view = box.histogram
    half, end = view.width() / 2, view.handles["end"][1]
    drag(qtbot, studio, view.handles["floor"][1], half + 0.4 * (end - half), upper=True)
    value = 0.4 * evidence_map.limit
    threshold = studio.display.appearance.threshold
    weaker = 100 * (np.abs(evidence_map.evidence) < value).mean()
    said = {"part": threshold.part * evidence_map.limit, "value": threshold.values.get("bits")}
    if kind == "percentile":
        assert threshold.percentile == pytest.approx(weaker, abs=3)
    else:
        assert said[kind] == pytest.approx(value, rel=0.03)
    assert view.floor == pytest.approx(value, rel=0.1)
    assert studio.display.appearance.scale == "map", "the scale stayed where it was"
    hidden = np.abs(evidence_map.evidence) < 0.9 * view.floor
    assert hidden.any()
    assert (panel(studio).views[0].pixels[hidden] == 255).all()


def test_keys_move_the_grips(studio: Studio, qtbot: QtBot) -> None:
    view, evidence_map = studio.window.display_box.histogram, first_map(studio)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    end = studio.display.appearance.limits["bits"]
    assert 0.9 * evidence_map.limit < end < evidence_map.limit
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert studio.display.appearance.threshold.part > 0
    assert studio.display.appearance.limits["bits"] == end
    assert "threshold" in view.accessibleDescription()
    for _ in range(5):
        qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert studio.display.appearance.threshold.part == 0


def test_the_histogram_counts_the_selected_map(studio: Studio, qtbot: QtBot) -> None:
    column = studio.session.columns.add("occlusion")
    wait_for_maps(qtbot, studio)
    view = studio.window.display_box.histogram
    for key, found in ((column.key, "probability"), (0, "bits")):
        studio.session.select(0, key)
        shown = studio.session.panel(0, key).shown
        assert shown.unit == found
        assert found in view.accessibleDescription()
        histogram = view.bars
        edges = np.linspace(histogram.low, histogram.high, len(histogram.heights) + 1)
        counts = [
            ((shown.evidence >= low) & (shown.evidence < high)).sum()
            for low, high in pairwise(edges)
        ]
        assert sum(counts) == shown.evidence.size
        ratio = np.log1p(counts) / np.log1p(max(counts))
        np.testing.assert_allclose(histogram.heights, ratio, atol=0.08)


def test_colours_without_a_sign_are_offered_for_maps_without_one(
    studio: Studio, qtbot: QtBot
) -> None:
    box = studio.window.display_box
    assert not box.unsigned_colours.isVisible()
    column = studio.session.columns.add("grad-cam")
    studio.session.columns.configure(column.key, sign="positive")
    wait_for_maps(qtbot, studio)
    studio.session.select(0, column.key)
    shown = studio.session.panel(0, column.key).shown
    assert shown.evidence.min() >= 0
    assert box.unsigned_colours.isVisible()
    choose(box.unsigned_colours, "viridis")
    bars = [one.bar for one in studio.window.grid.maps.values()]
    assert [bar.ends[0] == 0 for bar in bars] == [False, True]
    assert len(box.histogram.handles["end"]) == 1
    drag(qtbot, studio, box.histogram.handles["end"][0], box.histogram.width() / 2, upper=False)
    assert studio.display.appearance.limits[shown.unit] == pytest.approx(shown.limit / 2, rel=0.1)


def test_the_appearance_survives(opened: Opened, qtbot: QtBot) -> None:
    studio = opened()
    studio.display.change(
        style="contours",
        colours="orange-blue",
        opacity=0.4,
        threshold=Threshold("value", values={"bits": 0.3}),
        scale="fixed",
        limits={"bits": 1.25},
    )
    before = studio.display.appearance
    studio.window.close()
    again = opened()
    assert again.display.appearance == before
    box = again.window.display_box
    assert box.style_box.currentData() == "contours"
    assert box.colours.currentData() == "orange-blue"
    assert box.opacity.value() == 40
    assert box.threshold.value() == 0.3
    assert box.limit.value() == 1.25
    assert panel(again).bar.ends[1] == 1.25


@pytest.mark.parametrize("text", ["{", "[]", '{"style": "fog"}', '{"opacity": 7}'])
def test_settings_that_cannot_be_read_are_passed_over(
    opened: Opened, text: str, tmp_path: Path
) -> None:
    studio = opened(finished=False)
    studio.window.close()
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("appearance", text)
    settings.sync()
    assert opened(finished=False).display.appearance == Appearance()


def test_the_figure_is_drawn_as_the_window(
    studio: Studio, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(name: str) -> bytes:
        with qtbot.waitSignal(studio.composing.saved, timeout=WAIT):
            studio.composing.save(tmp_path / name)
        return (tmp_path / name).read_bytes()

    studio.session.columns.set_style(0, "map")
    plain = drawn("plain.svg")
    studio.display.change(style="contours", colours="PRGn_r", threshold=Threshold(part=0.2))
    prediction = studio.display.appearance
    figure = draw_composition(grid_of(studio.saving.state()()), Composition())
    _, heat, _ = figure.axes  # the image, the map, its scale
    shown = heat.images[0].get_array()
    expected = heat_map(first_map(studio), prediction, first_map(studio).limit)
    np.testing.assert_array_equal(shown, expected)
    assert drawn("window.svg") != plain


def test_everything_in_the_display_has_a_name(studio: Studio) -> None:
    box = studio.window.display_box
    for kind in (QSlider, QAbstractSpinBox, QComboBox):
        for widget in box.findChildren(kind):
            assert widget.accessibleName(), widget
    assert box.histogram.accessibleName()
    assert "bits" in box.histogram.accessibleDescription()


@pytest.mark.coarse_maps
def test_uncertainty_is_a_layer_of_its_own(studio: Studio, qtbot: QtBot) -> None:
    session, layer = studio.session, button(studio.window.method_box, "Standard error")
    assert not layer.isEnabled(), "no samples were drawn"
    session.columns.configure(0, infill="marginal-samples", samples=6, stride=2)
    wait_for_maps(qtbot, studio)
    assert layer.isEnabled()
    qtbot.mouseClick(layer, Qt.MouseButton.LeftButton)
    error = first_map(studio).standard_error
    shown = panel(studio).views[0].pixels
    brightest = np.unravel_index(shown.astype(int)[..., :2].sum(2).argmax(), error.shape)
    assert error[brightest] > 0.97 * error.max()
    brightness = shown @ (0.2126, 0.7152, 0.0722)
    assert spearmanr(brightness.ravel(), error.ravel()).statistic > 0.99
    bar = panel(studio).bar
    assert bar.ends == (0, pytest.approx(error.max()))
    assert panel(studio).caption.text().startswith("Standard error\n")
    studio.viewport.crosshair = brightest[1] + 0.5, brightest[0] + 0.5
    value = float(panel(studio).bar.text.split()[0].lstrip("+"))
    assert value == pytest.approx(error[brightest], rel=0.01)
    # Where the next method has none, its map is shown; undo brings the layer back.
    session.columns.set_method(0, "occlusion")
    wait_for_maps(qtbot, studio)
    assert session.work.columns[0].style == "map"
    assert not layer.isEnabled()
    studio.saving.undo()
    wait_for_maps(qtbot, studio)
    assert session.work.columns[0].style == "spread"
    session.columns.configure(0, infill="marginal-mean")
    wait_for_maps(qtbot, studio)
    assert panel(studio).views[0].pixels is None
    assert panel(studio).caption.text().startswith("No standard error")


@pytest.mark.coarse_maps
def test_the_spread_of_combined_maps_is_named_so(studio: Studio, qtbot: QtBot) -> None:
    session = studio.session
    session.columns.add("occlusion")
    column = session.columns.add("combined")
    wait_for_maps(qtbot, studio)
    session.columns.set_style(column.key, "spread")
    shown = studio.window.grid.maps[0, column.key]
    assert shown.caption.text().startswith("Spread of maps / √n")
    first, second = (
        one.evidence / np.sqrt(np.mean(np.square(one.evidence.astype(float))))
        for one in session.all_finished()[:2]
    )
    assert shown.bar.ends[1] == pytest.approx(np.abs(first - second).max() / 2, rel=1e-4)


class Negative(OverlayStyle):
    """The image turned to its negative where there is evidence for."""

    name = "negative"
    title = "Negative"
    help = "The negative of the image where evidence speaks for."
    uses = frozenset({"opacity"})

    def draw(self, layer, appearance, limit, *, preview=False):  # type: ignore[no-untyped-def]
        image = layer.view / 255
        return Drawing(image, 1 - image, (layer.evidence > 0)[..., None])


del STYLES["negative"]  # not before its test


def test_a_declared_style_is_offered_and_drawn(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in the window or in figures names the styles that there are."""
    monkeypatch.setitem(STYLES, "negative", Negative())
    studio = opened()
    studio.session.columns.set_style(0, "map")
    box = studio.window.display_box
    assert not box.style_box.isEnabled(), "no column shows an overlay"
    assert not box.opacity.isEnabled()
    studio.session.columns.set_style(0, "overlay")
    assert box.style_box.isEnabled()
    assert box.threshold.isEnabled()
    choose(box.style_box, "negative")
    assert box.style_box.currentText() == "Negative"
    assert box.opacity.isEnabled()
    assert not box.threshold.isEnabled(), "the style has no use for it"
    box.opacity_slider.setValue(100)
    evidence_map = first_map(studio)
    turned = evidence_map.evidence > 0
    expected = np.where(turned[..., None], 255 - evidence_map.view, evidence_map.view)
    np.testing.assert_array_equal(panel(studio).views[0].pixels, expected)
    figure = draw_composition(grid_of(studio.saving.state()()), Composition())
    assert any(
        np.array_equal(image.get_array(), expected) for axes in figure.axes for image in axes.images
    )

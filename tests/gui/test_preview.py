"""Previews: what is shown until the exact map is there, and never taken for it."""

import time
from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, start_slow_map, wait_for_maps
from pytestqt.qtbot import QtBot

import pda_studio.attribution.prediction_difference as pda
from pda_studio.classifiers import graph
from pda_studio.gui.maps import previews
from pda_studio.gui.maps.previews import sketched
from pda_studio.gui.window.studio import Studio
from pda_studio.store.map_store import MapStore


def first_panel(studio: Studio):
    return studio.session.panel(0, 0)


def start_long_map(qtbot: QtBot, studio: Studio) -> None:
    """Start a map that takes long enough for a preview, and wait for all of that."""
    studio.session.columns.configure(0, infill="conditional-samples", samples=200)
    qtbot.waitUntil(
        lambda: first_panel(studio).previewed and not studio.explainer.previewing, timeout=WAIT
    )


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let exact maps be late, so that there is time to look at their previews."""
    scored = pda.score_windows

    def slow(grid, infill, forward, *rest):
        exact = not forward.description.startswith("linearised")
        for step in scored(grid, infill, forward, *rest):
            if exact:
                time.sleep(0.5)
            yield step

    monkeypatch.setattr(pda, "score_windows", slow)


def test_a_preview_comes_first_and_gives_way(studio: Studio, qtbot: QtBot) -> None:
    before = first_panel(studio).evidence
    seen = []

    def watch(*_: int) -> None:
        shown = first_panel(studio)
        if shown.previewed:
            seen.append(shown.preview)
            assert shown.shown is shown.preview
            assert studio.session.all_finished() == []

    studio.session.panel_changed.connect(watch)
    studio.session.columns.configure(0, infill="conditional-samples", samples=20)
    wait_for_maps(qtbot, studio)
    assert seen
    assert seen[0].forward.startswith("linearised at ")
    assert seen[0].parameters["infill"] == "conditional-mean"
    assert not any(one.complete for one in seen)
    done = first_panel(studio)
    assert done.preview is None
    assert done.evidence is not before
    assert not done.evidence.forward.startswith("linearised")
    assert done.evidence.parameters["infill"] == "conditional-samples"


def test_a_preview_is_marked_and_told_from_the_exact(
    studio: Studio, qtbot: QtBot, late: None
) -> None:
    window = studio.window
    badge = window.grid.table.column_headers[0].badge
    assert badge.isHidden()
    start_long_map(qtbot, studio)
    assert badge.isVisible()
    panel = window.grid.maps[0, 0]
    assert panel.views[0].accessibleDescription().startswith("preview")
    assert panel.views[0].is_sketch
    assert not panel.views[0].is_dimmed
    assert "Preview: linearised at " in panel.caption.toolTip()
    studio.viewport.crosshair = (14, 14)
    assert panel.bar.text.startswith("≈ ")
    studio.session.columns.configure(0, infill="marginal-mean", samples=10)
    wait_for_maps(qtbot, studio)
    assert badge.isHidden()
    assert not panel.views[0].is_sketch
    assert "≈" not in panel.bar.text
    assert f"Forward: {first_panel(studio).evidence.forward}" in panel.caption.toolTip()


def test_a_preview_is_neither_exported_nor_kept(
    studio: Studio, qtbot: QtBot, late: None, cache_folder: Path, tmp_path: Path
) -> None:
    start_long_map(qtbot, studio)
    studio.stop()
    assert first_panel(studio).previewed
    assert studio.exporting.selected_map() is None
    assert studio.session.all_finished() == []
    assert not studio.window.registry["save-map"].isEnabled()
    for controller, export in (
        (studio.composing, studio.composing.save),
        (studio.exporting, studio.exporting.save_map),
    ):
        with qtbot.waitSignal(controller.failed, timeout=WAIT):
            export(tmp_path / "preview.png")
    assert list(tmp_path.glob("preview*")) == []
    assert len(studio.explainer.store) == 1
    studio.window.close()
    assert len(list(cache_folder.glob("*.map"))) == 1, "that of the first sample"


def test_stopped_before_anything_exact(studio: Studio, qtbot: QtBot, late: None) -> None:
    start_long_map(qtbot, studio)
    studio.stop()
    stopped = first_panel(studio)
    assert (stopped.state, stopped.previewed, stopped.stale) == ("stopped", True, True)
    panel = studio.window.grid.maps[0, 0]
    assert "Stopped before anything exact" in panel.caption.toolTip()
    assert "stopped" in panel.views[0].accessibleDescription()
    preview = stopped.preview
    studio.explainer.run()
    qtbot.waitUntil(lambda: studio.session.panel(0, 0).state == "running", timeout=WAIT)
    np.testing.assert_array_equal(first_panel(studio).preview.evidence, preview.evidence)
    assert not studio.explainer.previewing, "it is there already"
    studio.stop()


def test_what_is_exact_when_stopped_stays(studio: Studio, qtbot: QtBot) -> None:
    start_slow_map(qtbot, studio)
    qtbot.waitUntil(lambda: first_panel(studio).preview.covered.any(), timeout=WAIT)
    studio.stop()
    stopped = first_panel(studio)
    assert stopped.state == "stopped"
    assert not stopped.stale
    assert not stopped.evidence.complete
    assert stopped.evidence.parameters["samples"] == 500
    exact = stopped.preview.covered
    assert exact.any()
    np.testing.assert_array_equal(stopped.preview.evidence[exact], stopped.evidence.evidence[exact])
    tooltip = studio.window.grid.maps[0, 0].caption.toolTip()
    assert f"Stopped at {stopped.done} of 625 windows" in tooltip
    assert "Elsewhere a preview: linearised at " in tooltip


def test_small_maps_have_none(studio: Studio, qtbot: QtBot) -> None:
    seen = []
    studio.session.panel_changed.connect(lambda *_: seen.append(first_panel(studio).previewed))
    studio.explainer.costs.rate.clear()  # a busy machine may have been slow
    studio.session.columns.configure(0, window=5)
    wait_for_maps(qtbot, studio)
    assert not any(seen)


def test_all_previews_come_before_any_exact_map(studio: Studio, qtbot: QtBot, late: None) -> None:
    start_long_map(qtbot, studio)
    key = studio.session.columns.add("original-pda").key
    studio.session.columns.configure(key, samples=200, seed=1)
    studio.session.columns.configure(0, samples=201)
    qtbot.waitUntil(
        lambda: all(one.previewed for one in studio.session.panels.values()), timeout=WAIT
    )
    assert sum(one.done for one in studio.session.panels.values()) == 0


def test_a_failing_preview_is_no_failure(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_):
        raise RuntimeError("no layer will do")

    monkeypatch.setattr("pda_studio.pda.forward.earliest_layer", broken)
    seen = []
    studio.session.panel_changed.connect(lambda *_: seen.append(first_panel(studio).previewed))
    studio.session.columns.configure(0, infill="conditional-samples", samples=10)
    wait_for_maps(qtbot, studio)
    assert not any(seen)
    assert not studio.window.banner.details.toPlainText()


@pytest.mark.empty_cache
def test_a_network_that_cannot_be_followed(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untraceable(*_):
        raise graph.NotTraceable("its way depends on the image")

    monkeypatch.setattr(graph, "_traced", untraceable)
    studio = opened()
    banner = studio.window.banner
    assert "its way depends on the image" in banner.message.text()
    assert banner.objectName() == "notice"
    banner.hide()
    seen = []
    studio.session.panel_changed.connect(lambda *_: seen.append(first_panel(studio).previewed))
    studio.session.columns.configure(0, infill="conditional-samples", samples=4)
    wait_for_maps(qtbot, studio)
    assert not any(seen)
    assert not banner.isVisible(), "once is enough"
    tooltip = studio.window.grid.maps[0, 0].caption.toolTip()
    assert "Forward: full (digits cannot be followed" in tooltip


def test_a_sketch_is_exact_where_enough_windows_are_scored(studio: Studio) -> None:
    whole = studio.session.all_finished()[0]
    total = 100 * len(whole.scores.grid)
    share = np.zeros(whole.evidence.shape, np.float32)
    share[:14] = 0.05
    share[20:24, 20:24] = 0.02
    exact = whole.replace(
        evidence=np.full_like(whole.evidence, 7), covered=share > 0, share=share, scores=None
    )
    sketch = sketched(whole, exact, total)
    np.testing.assert_array_equal(sketch.covered, share > 0.04)
    assert (sketch.evidence[:14] == 7).all()
    np.testing.assert_array_equal(sketch.evidence[14:], whole.evidence[14:])
    assert not sketch.complete
    assert not sketched(whole).covered.any()
    assert not sketched(whole, exact, total // 10).covered.any()
    assert sketched(whole, exact.replace(share=share + np.float32(0.3)), total // 10) is None
    assert sketched(whole, whole, total) is None


def test_previews_are_forgotten_with_the_panels() -> None:
    store = MapStore()
    first, second = object(), object()
    store.put_preview(first, None)
    store.put_preview(second, None)
    store.keep_only({second})
    assert not store.tried_preview(first)
    assert store.tried_preview(second)
    assert previews.worthwhile(1000, None)
    assert not previews.worthwhile(10**6, 0.5)


def test_half_a_preview_goes_when_stopped(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = pda.score_windows

    def slow(*given):
        for step in scored(*given):
            time.sleep(0.1)
            yield step

    monkeypatch.setattr(pda, "score_windows", slow)
    before = first_panel(studio).evidence
    studio.session.columns.configure(0, infill="conditional-samples", samples=200)
    qtbot.waitUntil(lambda: first_panel(studio).previewed, timeout=WAIT)
    assert studio.explainer.previewing
    studio.stop()
    assert not first_panel(studio).previewed
    assert first_panel(studio).shown is before
    assert first_panel(studio).stale

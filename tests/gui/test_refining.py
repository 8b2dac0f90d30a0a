"""A levelled map in the window: refined step by step, undone, and shown for other classes."""

from dataclasses import replace

import numpy as np
import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from pda_studio.attribution import levelled
from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import Completeness, approximation
from pda_studio.gui.grid.map_caption import caption_of
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.window.studio import Studio
from pda_studio.pda.levelled import refinement
from pda_studio.results import EvidenceMap
from pda_studio.targets import ClassTarget

LEVELLED = {
    "forward": "levelled",
    "tolerance": 0.3,
    "infill": "conditional-samples",
    "samples": 4,
    "window": 6,
    "stride": 2,
}
WINDOWS = 12 * 12


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which windows are scored exactly, in turn."""
    windows: list[int] = []
    enter = refinement.enter

    def note(scores, batch, parts):
        windows.extend(batch.tolist())
        enter(scores, batch, parts)

    monkeypatch.setattr(refinement, "enter", note)
    return windows


def the_map(studio: Studio) -> EvidenceMap:
    made = studio.session.panel(0, 0).evidence
    assert isinstance(made, EvidenceMap)
    return made


def test_refined_by_a_click_to_the_exact_map(
    studio: Studio, qtbot: QtBot, entered: list[int]
) -> None:
    """Each click is an edit that can be undone, and no window is scored twice."""
    window, session = studio.window, studio.session
    refine, offer = window.registry["refine-map"], window.grid.maps[0, 0].caption.offer
    assert not refine.isEnabled()
    assert offer.isHidden()
    session.columns.configure(0, **LEVELLED)
    wait_for_maps(qtbot, studio)
    coarse = the_map(studio)
    told = approximation(coarse.diagnostics)
    assert told is not None
    assert 0.05 < told.error <= 0.3
    assert (offer.text(), offer.isVisible()) == ("Refine to 5 %", True)
    begun = len(entered)
    assert 0 < begun < WINDOWS
    studio.saving.begin()  # on a fast machine, both edits would be one move of a slider
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    assert session.work.columns[0].method.tolerance == 0.05
    wait_for_maps(qtbot, studio)
    assert len(entered) > begun
    window.registry["undo"].trigger()
    assert session.work.columns[0].method.tolerance == 0.3
    qtbot.waitUntil(lambda: the_map(studio) is coarse, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    while refine.isEnabled():
        refine.trigger()
        wait_for_maps(qtbot, studio)
    assert offer.isHidden()
    assert sorted(entered) == list(range(WINDOWS))
    assert the_map(studio).approximation_error is None


@pytest.fixture
def levelled_map(studio: Studio, qtbot: QtBot) -> EvidenceMap:
    studio.session.columns.configure(0, **LEVELLED)
    wait_for_maps(qtbot, studio)
    return the_map(studio)


def test_another_class_is_drawn_without_a_forward_pass(
    studio: Studio, qtbot: QtBot, levelled_map: EvidenceMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its map and its error, from the scores that the map kept."""
    session = studio.session

    def forbidden(*_: object) -> None:
        raise AssertionError("a forward pass")

    monkeypatch.setattr(Classifier, "logits", forbidden)
    monkeypatch.setattr(levelled, "steps", forbidden)
    for other in np.argsort(-levelled_map.probabilities)[1:3].tolist():
        session.set_target(other)
        wait_for_maps(qtbot, studio)
        drawn = the_map(studio)
        assert drawn.target == ClassTarget(other)
        assert drawn.approximation_error is not None
        assert not np.array_equal(drawn.evidence, levelled_map.evidence)
        assert "± " in studio.window.grid.maps[0, 0].caption.text()


def test_whatever_else_is_said_the_approximation_error_is_in_sight(
    levelled_map: EvidenceMap,
) -> None:
    found = approximation(levelled_map.diagnostics)
    lost = replace(levelled_map, diagnostics=(found, Completeness(1.0, 9.0)))
    for layer in ("", "Standard error"):
        for shown in (levelled_map, lost):
            lines = caption_of(shown, PanelState("done"), "r 0.93 · top 5 %: 71 %", layer)
            assert lines[1].startswith(f"{found.short} · ")
            assert any("r 0.93" in line for line in lines)
    assert "⚠ the map sums to" in caption_of(lost, PanelState("done"), "r 0.93")[1]

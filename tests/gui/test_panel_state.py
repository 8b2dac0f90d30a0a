"""The table of what may happen to a panel: every state and every event, and what follows."""

from itertools import product
from types import SimpleNamespace

import pytest

from pda_studio.gui.maps import panel_state as panels
from pda_studio.gui.maps.panel_state import STATES, TRANSITIONS, Event, PanelState, Refused
from pda_studio.gui.maps.requests import Request
from pda_studio.methods.rise import Rise
from pda_studio.targets import ClassTarget

ONE, OTHER = (Request("image", "network", (), Rise(), ClassTarget(at)) for at in (1, 2))
MAP, NEWER, ROUGH = (SimpleNamespace(name=name) for name in ("map", "newer", "rough"))

EVENTS: list[Event] = [
    panels.Requested(OTHER, "cache", ROUGH),
    panels.Withheld(OTHER, "cache"),
    panels.Restored(OTHER, NEWER),
    panels.Found(OTHER, NEWER),
    panels.PreviewBegun(),
    panels.Previewed(ROUGH),
    panels.PreviewEnded(ROUGH),
    panels.Begun(),
    panels.Prepared("covariances 3 of 12", 1.0),
    panels.Advanced(NEWER, ROUGH, 10, 100, 2.0),
    panels.Retargeted(OTHER),
    panels.Finished(NEWER, 100, 100, 3.0),
    panels.Failed("It cannot be.", "Traceback"),
    panels.Released(),
    panels.Stopped(),
    panels.Resumed(),
]

# What a person would expect of the window, written down apart from the table.
ONLY_FROM = {
    "PreviewBegun": {"waiting"},
    "Previewed": {"waiting", "previewing"},
    "PreviewEnded": {"previewing"},
    "Begun": {"waiting"},
    "Prepared": {"running"},
    "Advanced": {"running"},
    "Retargeted": {"running"},
    "Finished": {"running"},
    "Released": {"previewing", "running"},
    "Stopped": {"waiting", "previewing", "running"},
    "Resumed": {"stopped", "failed"},
}
LEADS_TO = {
    "Requested": "waiting",
    "Withheld": "stopped",
    "Restored": "waiting",
    "Found": "done",
    "PreviewBegun": "previewing",
    "PreviewEnded": "waiting",
    "Begun": "running",
    "Prepared": "running",
    "Advanced": "running",
    "Retargeted": "running",
    "Finished": "done",
    "Failed": "failed",
    "Released": "waiting",
    "Stopped": "stopped",
    "Resumed": "empty",
}


def panel_that_is(state: str) -> PanelState:
    """A panel of which everything is known."""
    return PanelState(state, ONE, MAP, ONE, 5, 50, 1.0, "Earlier.", "Trace", ROUGH, "turn", "step")


def test_every_event_is_in_the_table_and_here() -> None:
    declared = {kind for kind in vars(panels).values() if isinstance(kind, type)}
    declared = {kind for kind in declared if issubclass(kind, Event) and kind is not Event}
    assert set(TRANSITIONS) == declared == {type(event) for event in EVENTS}


@pytest.mark.parametrize(
    ("state", "event"),
    list(product(STATES, EVENTS)),
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_what_follows(state: str, event: Event) -> None:
    panel, name = panel_that_is(state), type(event).__name__
    if state not in ONLY_FROM.get(name, STATES):
        with pytest.raises(Refused, match=f"{name} .* {state}"):
            panel.after(event)
        return
    after = panel.after(event)
    assert after.state == LEADS_TO.get(name, state)
    # Whatever happens: what waits says for what, and nothing else does.
    assert bool(after.awaits) == (after.state == "waiting")
    assert bool(after.stage) == (name == "Prepared")
    # A map is never said to answer what it was not made for.
    assert (after.evidence is NEWER) == hasattr(event, "evidence")
    if after.evidence is MAP and name != "Restored":
        assert after.answers == ONE
    if after.state == "done":
        assert after.evidence is NEWER
        assert not after.stale
        assert after.preview is None
        assert not after.message
    if after.state == "failed":
        assert (after.message, after.details) == ("It cannot be.", "Traceback")
    if after.state == "empty":
        assert after.request is None
    if name in ("Requested", "Withheld"):
        assert (after.done, after.total, after.message) == (0, 0, "")
        assert after.stale, "the old map stays, dimmed"
    if name == "Retargeted":
        assert after.stale
        assert (after.done, after.total) == (5, 50), "the work goes on"


def test_every_state_is_reached_and_left() -> None:
    reached, rounds = {"empty"}, 0
    while rounds < len(STATES):
        rounds += 1
        reached |= {row[state] for row in TRANSITIONS.values() for state in reached if state in row}
    assert reached == set(STATES)
    for state in STATES:
        assert any(row.get(state, state) != state for row in TRANSITIONS.values()), state


def test_half_a_preview_is_not_kept() -> None:
    previewing = panel_that_is("previewing")
    assert previewing.after(panels.Stopped()).preview is None
    assert previewing.after(panels.Released()).preview is None
    running = panel_that_is("running")
    assert running.after(panels.Stopped()).preview is ROUGH
    assert running.after(panels.Released()).preview is ROUGH
    assert previewing.after(panels.PreviewEnded(None)).preview is None


def test_the_same_request_keeps_its_preview_while_it_waits() -> None:
    waiting = panel_that_is("waiting")
    assert waiting.after(panels.Requested(ONE, "turn")).preview is ROUGH
    assert waiting.after(panels.Requested(OTHER, "turn")).preview is None


def test_a_panel_that_can_never_have_a_map_shows_none() -> None:
    failed = panel_that_is("done").after(panels.Failed("Two are needed.", request=OTHER, bare=True))
    assert failed.shown is None
    assert failed.request == OTHER

"""The state of a panel, and the table of what may happen to it.

Nothing else changes a state: whoever finds, computes or stops a map tells the panel an event, and
gets the panel as it is after it. What the table does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from pda_studio.gui.maps.requests import Request

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.results import Result

State = Literal["empty", "waiting", "previewing", "running", "stopped", "done", "failed"]
Awaited = Literal["", "classifier", "prediction", "cache", "turn", "maps"]
"""What a waiting panel waits for."""

STATES: tuple[State, ...] = get_args(State)
ACTIVE: frozenset[State] = frozenset({"waiting", "previewing", "running"})
"""In which a map is being computed or waited for."""


class Refused(Exception):
    """An event that cannot happen to a panel in its state: a mistake of the program."""


@dataclass(frozen=True, eq=False)
class PanelState:
    """State of one panel.

    Attributes
    ----------
    state : str
        Where the work stands.
    request : Request or None
        What is to be shown; None as long as it is not known.
    evidence : Result or None
        The newest map, partial while running; an older request's until the new one arrives.
    answers : Request or None
        The request that `evidence` belongs to.
    done, total : int
        Progress in the method's units of work.
    elapsed : float
        Seconds since the work began.
    message, details : str
        Why it failed, and the traceback if there is one.
    preview : Result or None
        A rough map of what is requested, to look at until there is an exact one; what it covers
        is exact already. It is no result: nothing but the grid knows it.
    awaits : str
        What a waiting panel waits for.
    stage : str
        What a running one prepares before the next part of its map is there.
    """

    state: State = "empty"
    request: Request | None = None
    evidence: Result | None = None
    answers: Request | None = None
    done: int = 0
    total: int = 0
    elapsed: float = 0.0
    message: str = ""
    details: str = ""
    preview: Result | None = None
    awaits: Awaited = ""
    stage: str = ""

    @property
    def active(self) -> bool:
        """Whether its map is being computed or waited for."""
        return self.state in ACTIVE

    @property
    def computing(self) -> bool:
        """Whether the engine is at work on its map or its preview."""
        return self.state in ("previewing", "running")

    @cached_property
    def previewed(self) -> bool:
        """Whether the preview is what to look at."""
        return self.preview is not None and self.state not in ("done", "failed")

    @cached_property
    def shown(self) -> Result | None:
        """The map to look at: the preview, or the newest exact one."""
        return self.preview if self.previewed else self.evidence

    @cached_property
    def stale(self) -> bool:
        """Whether the map shown answers an earlier request."""
        return self.evidence is not None and self.answers != self.request

    def replace(self, **changes: Any) -> PanelState:
        """A copy with other values."""
        return replace(self, **changes)

    def after(self, event: Event) -> PanelState:
        """The panel once an event has happened to it.

        Raises
        ------
        Refused
            If the table holds no transition for it.
        """
        following = TRANSITIONS[type(event)].get(self.state)
        if following is None:
            raise Refused(f"{type(event).__name__} cannot happen to a panel that is {self.state}")
        changes = {"awaits": "", "stage": "", **event.changes(self)}
        return replace(self, state=following, **changes)


# What may happen


@dataclass(frozen=True, eq=False)
class Event:
    """What happens to a panel."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The fields that it changes, besides the state."""
        return {}


@dataclass(frozen=True, eq=False)
class Requested(Event):
    """A map is requested that is not at hand; perhaps its preview is."""

    request: Request | None
    awaits: Awaited
    preview: Result | None = None

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """A new request begins anew."""
        same = panel.request == self.request and panel.state == "waiting"
        kept = {"preview": panel.preview if same else self.preview}
        fresh = {"request": self.request, "done": 0, "total": 0, "message": "", "details": ""}
        return {**fresh, **kept, "awaits": self.awaits}


@dataclass(frozen=True, eq=False)
class Withheld(Requested):
    """A map is requested while everything is stopped."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """It waits for nothing but the user."""
        return {**super().changes(panel), "awaits": ""}


@dataclass(frozen=True, eq=False)
class Restored(Event):
    """A map from a saved file is shown until it is known what is requested."""

    request: Request
    evidence: Result

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The map, and what it answers."""
        return {"evidence": self.evidence, "answers": self.request, "awaits": "classifier"}


@dataclass(frozen=True, eq=False)
class Found(Event):
    """A finished map of what is requested is at hand."""

    request: Request | None
    evidence: Result

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The map takes the place of everything else."""
        made = {"request": self.request, "answers": self.request, "evidence": self.evidence}
        return {**made, "preview": None, "message": "", "details": ""}


@dataclass(frozen=True, eq=False)
class PreviewBegun(Event):
    """The engine begins its preview."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Nothing is done yet."""
        return {"done": 0, "total": 0, "elapsed": 0.0}


@dataclass(frozen=True, eq=False)
class Previewed(Event):
    """The preview has come further, or another panel's serves this one, too."""

    preview: Result | None

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The newest preview."""
        awaits = panel.awaits if panel.state == "waiting" else ""
        return {"preview": self.preview, "awaits": awaits}


@dataclass(frozen=True, eq=False)
class PreviewEnded(Event):
    """The preview is there, or there is none; the exact map waits for its turn."""

    preview: Result | None

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The whole preview."""
        return {"preview": self.preview, "awaits": "turn"}


@dataclass(frozen=True, eq=False)
class Begun(Event):
    """The engine begins the map, or goes on with it."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Nothing is done yet."""
        return {"done": 0, "total": 0, "elapsed": 0.0}


@dataclass(frozen=True, eq=False)
class Prepared(Event):
    """A step was taken that the next part of the map needs."""

    stage: str
    elapsed: float

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Its name; the map itself has come no further."""
        return {"stage": self.stage, "elapsed": self.elapsed}


@dataclass(frozen=True, eq=False)
class Advanced(Event):
    """The map has come further."""

    evidence: Result
    preview: Result | None
    done: int
    total: int
    elapsed: float

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The map as it is now."""
        return {
            "answers": panel.request,
            "evidence": self.evidence,
            "preview": self.preview,
            "done": self.done,
            "total": self.total,
            "elapsed": self.elapsed,
        }


@dataclass(frozen=True, eq=False)
class Retargeted(Event):
    """Another map is requested that the work in progress gives as well."""

    request: Request

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The request; how far the work has come stays."""
        return {"request": self.request, "preview": None}


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The map is complete."""

    evidence: Result
    done: int
    total: int
    elapsed: float

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """The map takes the place of everything else."""
        made: dict[str, Any] = {"answers": panel.request, "evidence": self.evidence}
        made |= {"preview": None, "message": "", "details": ""}
        return {**made, "done": self.done, "total": self.total, "elapsed": self.elapsed}


@dataclass(frozen=True, eq=False)
class Failed(Event):
    """There will be no map; with `bare`, no earlier one is to be seen either."""

    message: str
    details: str = ""
    request: Request | None = None
    bare: bool = False

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Why."""
        changed: dict[str, Any] = {"message": self.message, "details": self.details}
        if self.request is not None:
            changed["request"] = self.request
        return {**changed, "evidence": None} if self.bare else changed


@dataclass(frozen=True, eq=False)
class Released(Event):
    """The engine turns to something else, and comes back later."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Of half a preview nobody could tell what is missing from what is no evidence."""
        half = panel.state == "previewing"
        return {"awaits": "turn", "preview": None if half else panel.preview}


@dataclass(frozen=True, eq=False)
class Stopped(Event):
    """The user stops it."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Of half a preview nobody could tell what is missing from what is no evidence."""
        return {"preview": None} if panel.state == "previewing" else {}


@dataclass(frozen=True, eq=False)
class Resumed(Event):
    """The user runs it again, or what was in its way is gone: it is requested anew."""

    def changes(self, panel: PanelState) -> dict[str, Any]:
        """Nothing is known of what is requested."""
        return {"request": None}


def _all(state: State) -> dict[State, State]:
    return dict.fromkeys(STATES, state)


TRANSITIONS: Mapping[type[Event], Mapping[State, State]] = {
    Requested: _all("waiting"),
    Withheld: _all("stopped"),
    Restored: _all("waiting"),
    Found: _all("done"),
    Failed: _all("failed"),
    PreviewBegun: {"waiting": "previewing"},
    Previewed: {"waiting": "waiting", "previewing": "previewing"},
    PreviewEnded: {"previewing": "waiting"},
    Begun: {"waiting": "running"},
    Prepared: {"running": "running"},
    Advanced: {"running": "running"},
    Retargeted: {"running": "running"},
    Finished: {"running": "done"},
    Released: {"previewing": "waiting", "running": "waiting"},
    Stopped: {"waiting": "stopped", "previewing": "stopped", "running": "stopped"},
    Resumed: {"stopped": "empty", "failed": "empty"},
}
"""For each event, the state that follows each state in which it may happen."""

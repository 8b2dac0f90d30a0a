"""What runs, waits, was stopped or has failed, as a plain list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pda_studio.document.operations import described
from pda_studio.document.workspace import ClassifierChoice, Column, Row
from pda_studio.gui.grid.headings import own_target
from pda_studio.gui.maps.panel_state import Awaited
from pda_studio.gui.session.session import Key, Session

TaskState = Literal["running", "waiting", "stopped", "failed"]

STUDY = "study"
"""Key of the study that is carried out."""
BATCH = "batch"
"""Key of the run on a folder."""

_ORDER: dict[TaskState, int] = {"running": 0, "waiting": 1, "stopped": 2, "failed": 3}
_STATES: dict[str, TaskState] = {"previewing": "running", **{one: one for one in _ORDER}}


TaskKey = Key | str | None


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    key : tuple of int, str, optional
        The panel whose map it is; `STUDY`; `BATCH`; None for a classifier that is being loaded.
    title : str
        The method, the classifier, the study, or what else it is.
    place : str
        Which image it is about, and what else tells its column from others.
    state : {"running", "waiting", "stopped", "failed"}
        Where it stands.
    progress : float, optional
        Which part of it is done, from 0 to 1; None if one cannot say.
    seconds : float, optional
        How long it still takes, from when its turn comes; None if one cannot say.
    preview : bool
        Whether what runs is only its preview.
    error, details : str
        Why it failed, and the traceback if there is one.
    single : bool
        Whether it can be stopped and run by itself: what is made of others' maps cannot.
    awaits, stage : str
        What it waits for, and what it prepares or how far it is in words.
    """

    key: TaskKey
    title: str
    place: str
    state: TaskState
    progress: float | None = None
    seconds: float | None = None
    preview: bool = False
    error: str = ""
    details: str = ""
    single: bool = True
    awaits: Awaited = ""
    stage: str = ""

    @property
    def active(self) -> bool:
        """Whether it runs or waits."""
        return self.state in ("running", "waiting")


def workload(
    session: Session,
    seconds: Callable[[Key], float | None],
    loading: tuple[ClassifierChoice, float] | None = None,
    others: Iterable[Task | None] = (),
) -> list[Task]:
    """All work that is not done: what runs first, then what waits in the order of its turns.

    Parameters
    ----------
    session : Session
        Its panels.
    seconds : callable
        How long a panel's map still takes.
    loading : tuple, optional
        The classifier that is being loaded, and which part of it is there (below 0: unknown).
    others : iterable of Task or None
        The study that is carried out, and what else runs.
    """
    tasks = []
    for key in session.panel_keys():
        row, column = session.work.row(key[0]), session.work.column(key[1])
        panel = session.panel(*key)
        if row is None or column is None or panel.state not in _STATES:
            continue
        known = panel.state == "running" and panel.total > 0
        failed = panel.state == "failed"
        tasks.append(
            Task(
                key,
                column.method.title,
                place_of(session, row, column),
                _STATES[panel.state],
                panel.done / panel.total if known else None,
                seconds(key) if panel.active and not column.method.combines else None,
                panel.state == "previewing",
                panel.message if failed else "",
                panel.details if failed else "",
                not column.method.combines,
                panel.awaits,
                panel.stage,
            )
        )
    tasks += [one for one in others if one is not None]
    tasks.sort(key=lambda task: _ORDER[task.state])
    if loading is not None:
        choice, part = loading
        tasks.insert(0, Task(None, choice.title, "", "running", part if part >= 0 else None))
    return tasks


def place_of(session: Session, row: Row, column: Column) -> str:
    """Which image a panel is about, and what its column asks of whom, where it is its own."""
    image = session.work.image_of(row)
    parts = [image.name] if image else []
    if row.operations:
        parts.append(described(row.operations))
    if column.classifier is not None:
        parts.append(column.classifier.described)
    parts.append(own_target(session, column))
    return " · ".join(filter(None, parts))

"""What the engine does for one panel: the steps of a map or of its preview, as a job.

A run may be retargeted: where another map is wanted that its scores give as well, it goes on, and
what it shows from then on is that map.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from pda_studio.document.workspace import Column, Row
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.maps.costs import Speedometer
from pda_studio.gui.maps.previews import preview_steps, sketched
from pda_studio.gui.maps.requests import Request
from pda_studio.gui.session.session import Session
from pda_studio.store.map_store import MapStore

if TYPE_CHECKING:
    from pda_studio.methods import Method
    from pda_studio.results import Result, Subject
    from pda_studio.store.disk import CacheEntry


@dataclass(frozen=True, eq=False)
class Wanted:
    """A map that is wanted: its request, and with what it is made."""

    request: Request
    method: Method
    subject: Subject

    @property
    def parts(self) -> tuple[Request, Method, Subject]:
        """As the store takes them."""
        return self.request, self.method, self.subject


def wanted_by(session: Session, row: Row, column: Column, request: Request) -> Wanted:
    """What a panel's request takes to be computed; its row has been predicted."""
    assert request.target is not None, "only keys of caches leave the target open"
    prediction = session.subject_prediction(row, column, request.target)
    assert prediction is not None
    return Wanted(request, request.method, prediction.subject.about(request.target))


@dataclass(frozen=True)
class Step:
    """What the window hears of a run.

    Attributes
    ----------
    wanted : Wanted
        The map that it is about.
    done, total : int
        Units of work.
    evidence : Result or None
        The map as it is now; None as long as there is none, or if the scores do not hold it.
    preview : Result or None
        What is exact by now, laid over the preview.
    stage : str
        What is prepared; there is no newer map then.
    entry : CacheEntry or None
        Where the finished map lies on the disk.
    """

    wanted: Wanted
    done: int
    total: int
    evidence: Result | None
    preview: Result | None = None
    stage: str = ""
    entry: CacheEntry | None = None


@dataclass(eq=False)
class Run:
    """One panel's map, or its preview, as it is being computed.

    Attributes
    ----------
    key : tuple of int
        The panel.
    wanted : Wanted
        The map that the panel wants now.
    speed : Speedometer
        Measures it.
    preview : bool
        Whether only the preview is made.
    job : Job
        For the engine; made by `compute` or `sketch`.
    first : Wanted
        The map that the run was begun for.
    """

    key: tuple[int, int]
    wanted: Wanted
    speed: Speedometer
    preview: bool = False
    job: Job = field(init=False)
    first: Wanted = field(init=False)
    began: float = field(default_factory=monotonic)
    _set_aside_at: float = 0.0
    _idle: float = 0.0
    _begun: bool = False  # whether there has been a map

    def __post_init__(self) -> None:
        self.first = self.wanted

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return monotonic() - self.began

    def set_aside(self) -> None:
        """Let go of the work, and keep what is done."""
        self._set_aside_at = monotonic()
        self.job.pause()

    def sketch(self, **heard: Any) -> None:
        """Make the job of a preview."""
        request, subject = self.wanted.request, self.wanted.subject
        self.job = Job(lambda: preview_steps(request, subject), snapshot=_sketch, **heard)

    def compute(
        self, store: MapStore, earlier: Run | None, coarser: Result | None, **heard: Any
    ) -> None:
        """Make the job of the exact map, from the beginning or from where an earlier run stopped.

        Parameters
        ----------
        store : MapStore
            Takes the finished map to the disk, and knows the preview.
        earlier : Run, optional
            One that was set aside and gives the same map.
        coarser : Result, optional
            A map that the work goes on from.
        **heard : callable
            Who hears of the job, as `Job` takes them.
        """
        if earlier is not None:
            self.first = earlier.first
            self._idle = earlier._idle + monotonic() - earlier._set_aside_at
        first, since = self.first, self._idle - (earlier._idle if earlier else 0.0)

        def steps() -> Generator[Any, None, Step]:
            entry = store.entry(first.method, first.subject)
            last = None
            for last in first.method.steps(replace(first.subject, earlier=coarser)):
                yield last
            assert last is not None
            return Step(first, last.done, last.total, last.evidence(), entry=entry)

        def whole() -> Generator[Any, None, Step]:
            paused = earlier.job.paused if earlier else None
            step = yield from paused or steps()
            assert step.evidence is not None
            return replace(step, evidence=_sooner(step.evidence, since))

        def write(step: Step) -> None:
            if step.entry is not None and step.evidence is not None:
                store.write(step.entry, step.evidence)

        sketch = store.preview(self.wanted.request)
        self.job = Job(
            whole,
            snapshot=lambda progress: self._snapshot(progress, sketch),
            hasty=self._has_first_map,
            afterwards=write,
            **heard,
        )

    def _has_first_map(self, progress: Any) -> bool:
        """Whether a step is the first with a map; on the engine's thread."""
        first = not progress.stage and not self._begun
        self._begun = self._begun or first
        return first

    def _snapshot(self, progress: Any, sketch: Result | None) -> Step:
        """What the window is to hear of a step; on the engine's thread."""
        wanted = self.wanted  # read once: the window may retarget the run meanwhile
        step = Step(wanted, progress.done, progress.total, None, stage=progress.stage)
        if progress.stage:
            return step
        if wanted is self.first or wanted.request == self.first.request:
            evidence = progress.evidence()
        elif progress.drawn_for is None:
            return step
        else:
            try:
                evidence = progress.drawn_for(wanted.method, wanted.subject)
            except KeyError:  # a class whose scores are not kept
                return step
            sketch = None  # it shows another class
        preview = None if sketch is None else sketched(sketch, evidence, progress.total)
        return replace(step, evidence=_sooner(evidence, self._idle), preview=preview)


def _sooner(evidence: Result, idle: float) -> Result:
    """The map with the seconds that were worked on it, without those that it was set aside."""
    return evidence.replace(seconds=evidence.seconds - idle) if idle else evidence


def _sketch(progress: Any) -> Result | None:
    """A preview in the making; shown once half of it is there: before, the old map tells more."""
    there = not progress.stage and progress.done >= 0.5 * progress.total
    return sketched(progress.evidence()) if there else None

"""Doing the jobs of a batch in one process, beside any number of others on the same folder."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from pda_studio.batch.background import WriteBehind, read_ahead
from pda_studio.batch.explaining import Explaining
from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import Bundle, Setting, bundles_of
from pda_studio.batch.plan import Plan, PlannedClassifier
from pda_studio.batch.results import FileState, Known, KnownRows, ResultFolder, Row
from pda_studio.batch.writing import ResultWriter
from pda_studio.classifiers import Classifier

_WAIT = 1.0  # seconds between two looks at what others work on


@dataclass(frozen=True)
class BatchProgress:
    """How far the jobs have come.

    Attributes
    ----------
    done, total : int
        Jobs that are finished, by whomever, and all.
    failed : int
        How many were finished without a map since the start.
    row : Row or None
        What this process finished last, if this step is about that.
    doing : Bundle or None
        What this process begins, if this step is about that.
    note : str
        What must be known while nothing goes on.
    """

    done: int
    total: int
    failed: int
    row: Row | None = None
    doing: Bundle | None = None
    note: str = ""


class Jobs:
    """The jobs of a plan, and the doing of those that are missing.

    Parameters
    ----------
    plan : Plan
        What is to be done.
    results : ResultFolder
        Where it goes.
    images, settings : sequence
        The images of this process's part, and all settings of the plan.
    load : callable
        Loads a classifier.
    since : float, optional
        Jobs that failed before are tried anew (seconds since 1970); without it, before now.
    afresh : bool
        Whoever hands the images out has read that results are missing: rows are read again only
        where a map shows that somebody was here before.
    """

    def __init__(
        self,
        plan: Plan,
        results: ResultFolder,
        images: Sequence[BatchImage],
        settings: Sequence[Setting],
        load: Callable[[PlannedClassifier], Classifier],
        since: float | None = None,
        afresh: bool = False,
    ) -> None:
        self._results, self._load = results, load
        self._images, self._settings = images, settings
        self._since = time.time() if since is None else since
        self._afresh = afresh
        images_named, settings_named = (one.name for one in images), (one.name for one in settings)
        self._known = KnownRows(results, images_named, settings_named)
        self._writer = ResultWriter(results)
        self._explaining = Explaining(plan)
        self._total = len(images) * len(settings)
        self._done = self._failed = 0

    def steps(self) -> Generator[BatchProgress, None, None]:
        """Do what is missing; each step tells of a job that was finished.

        Jobs that other processes work on are waited for, and done here if those end without
        having done them.

        Raises
        ------
        PdaStudioError
            If a classifier cannot be loaded, or the disk is full or cannot be written.
        """
        groups = self._groups()
        yield self._now()
        for classifier, left in groups:
            loaded = None
            while left:
                if any(self._is_free(bundle) for bundle in left):
                    loaded = loaded or self._load(classifier)
                    finished: set[int] = set()
                    yield from self._pass(left, loaded, finished)
                    left = [bundle for bundle in left if id(bundle) not in finished]
                else:
                    time.sleep(_WAIT)
                if left:
                    self._known.refresh()
                    left = self._without_done(left)
                yield self._now()

    def missing(self) -> tuple[BatchProgress, list[BatchImage]]:
        """How far the jobs have come, and the images that lack a result."""
        lacking = {bundle.image.name for _, left in self._groups() for bundle in left}
        return self._now(), [image for image in self._images if image.name in lacking]

    def _groups(self) -> list[tuple[PlannedClassifier, list[Bundle]]]:
        """What is missing, classifier by classifier."""
        if not self._afresh:
            self._known.refresh()
        self._done = self._failed = 0
        return [
            (classifier, self._without_done(bundles))
            for classifier, bundles in bundles_of(self._images, self._settings)
        ]

    def _pass(
        self, bundles: list[Bundle], loaded: Classifier, finished: set[int]
    ) -> Iterator[BatchProgress]:
        """Do all bundles that nobody else works on."""
        claims = self._results.claims
        held: set[str] = set()

        def claimed() -> Iterator[Bundle]:
            for bundle in bundles:
                if claims.claim(bundle.name):
                    held.add(bundle.name)
                    yield bundle

        def release(name: str) -> None:
            held.discard(name)
            claims.release(name)

        reading = read_ahead(claimed(), lambda bundle: self._explaining.read(bundle.image))
        try:
            with closing(reading), WriteBehind[Row | None]() as writing:
                for bundle, read in reading:
                    finished.add(id(bundle))
                    left = self._rest_of(bundle)
                    yield replace(self._now(), doing=left)
                    made = self._explaining.results(
                        read.image, left.settings, loaded, bundle.image.label
                    )
                    for setting, one in made:
                        about = setting, bundle.image, read.state, one, read.notes
                        written = writing.put(partial(self._writer.write, *about))
                        yield from self._counted(written)
                    yield from self._counted(writing.put(partial(release, bundle.name)))
                yield from self._counted(writing.rest())
        finally:
            for name in tuple(held):
                release(name)

    def _rest_of(self, bundle: Bundle) -> Bundle:
        """A claimed bundle without what another process did after the last look."""
        jobs = (setting.job(bundle.image) for setting in bundle.settings)
        if not any(self._results.map_of(job).exists() for job in jobs):
            return bundle
        self._known.refresh()
        left = self._without_done([bundle])
        return left[0] if left else replace(bundle, settings=())

    def _is_free(self, bundle: Bundle) -> bool:
        """Whether nobody works on a bundle now: no network is loaded for nothing."""
        free = self._results.claims.claim(bundle.name)
        if free:
            self._results.claims.release(bundle.name)
        return free

    def _now(self, row: Row | None = None) -> BatchProgress:
        return BatchProgress(self._done, self._total, self._failed, row)

    def _counted(self, rows: list[Row | None]) -> Iterator[BatchProgress]:
        for row in filter(None, rows):
            self._done += 1
            self._failed += bool(row.error)
            yield self._now(row)

    def _without_done(self, bundles: list[Bundle]) -> list[Bundle]:
        """What is left of bundles once what is done is taken out, and counted."""
        left = []
        for bundle in bundles:
            missing = []
            for setting in bundle.settings:
                known = self._known.of(bundle.image.name, setting.name)
                if known is None or not self._is_done(known, bundle.image):
                    missing.append(setting)
                else:
                    self._done += 1
                    self._failed += known.failed
            if len(missing) == len(bundle.settings):
                left.append(bundle)
            elif missing:
                left.append(replace(bundle, settings=tuple(missing)))
        return left

    def _is_done(self, known: Known, image: BatchImage) -> bool:
        """Whether a row answers: failures before the start do not, nor do those of other images."""
        if known.failed:
            return known.finished >= self._since
        return FileState.of(image.path).may_be(known.state, image.path)

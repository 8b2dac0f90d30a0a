"""The study of time: what original and efficient prediction difference analysis spend it on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import counted
from pda_studio.durations import duration
from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    Study,
    StudyProgress,
    StudyResult,
    Table,
    significant,
)

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.times import MapTime, Times

_COLUMNS = (
    Column("classifier", "classifier"),
    Column("method", "method"),
    Column("batch", "batch", "count"),
    Column("batch_seconds", "a batch, s", "number"),
    Column("passes", "infilled images", "count"),
    Column("infill_seconds", "infills, s", "number"),
    Column("forward_seconds", "forward, s", "number"),
    Column("seconds", "map, s", "number"),
    Column("infill_share", "infills’ share", "share"),
)


class MapTimes(Study):
    """Infills and forward passes timed apart, and what a whole map takes of each."""

    name: ClassVar[str] = "time"
    title: ClassVar[str] = "Time of a map"
    summary: ClassVar[str] = (
        "How long original and efficient prediction difference analysis take for a map, infills and"
        " forward passes apart, in batches of several sizes."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Table 1 and"
        " Fig. 12"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"classifiers"})
    repeatable: ClassVar[bool] = False

    batch: int = parameter(
        160,
        "Batch",
        "The largest batch, 160 in the paper; smaller ones are timed as well.",
        unit="images",
        ge=1,
        le=4096,
    )
    samples: int = parameter(10, "Samples", "S of the original.", unit="infills", ge=1, le=1000)
    window: int = parameter(
        0,
        "Window",
        "Side of the windows; 0 takes what suits the classifier, 10 for photographs.",
        unit="pixels",
        ge=0,
        le=63,
    )
    stride: int = parameter(1, "Stride", "Step from window to window.", unit="pixels", ge=1, le=63)

    def effort(self) -> str:
        """How many images go through each network."""
        return (
            f"About {images_timed(self.batch):,} forward passes of each classifier; maps are not"
            " computed, their time is told from that of some windows."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Time one classifier after the other."""
        from pda_studio.experiments.machine import Machine
        from pda_studio.experiments.times import batch_sizes, forget_times, times_of

        batches = batch_sizes(self.batch)
        values = {"window": self.window, "stride": self.stride, "samples": self.samples}
        found: list[Times] = []
        timed: list[Classifier] = []
        networks: list[dict[str, str]] = []
        count = len(inputs.classifiers)
        for place, one in enumerate(inputs.classifiers):
            classifier = one.load()
            timed.append(classifier)
            networks.append(
                {
                    "classifier": classifier.name,
                    "weights": classifier.weights,
                    "fingerprint": classifier.fingerprint,
                }
            )
            machine = Machine.here(classifier.device)
            result = self._result(found, machine, networks) if found else None
            for step in times_of(classifier, **values, batches=batches):
                if step.times.maps and (not result or found[place:] != [step.times]):
                    found = [*found[:place], step.times]
                    result = self._result(found, machine, networks)
                left = step.seconds_left if place == count - 1 else None
                doing = f"{classifier.name}: {step.doing}"
                done = place * step.total + step.done
                if done == count * step.total:
                    for each in timed:
                        forget_times(each, **values, batches=batches)
                yield StudyProgress(done, count * step.total, doing, result, left)

    def _result(
        self, found: Sequence[Times], machine: Any, networks: list[dict[str, str]]
    ) -> StudyResult:
        from pda_studio.experiments.times_figure import draw_times

        shown = list(found)
        rows = [_cells(one.classifier, entry) for one in shown for entry in one.maps]
        large = [row for row in rows if row[3] is None]
        threads = counted(machine.threads, "thread")
        return StudyResult(
            sentence=_sentence(shown),
            table=Table(_COLUMNS, rows, group="classifier"),
            draw=lambda: draw_times(shown),
            notes=[
                f"{machine.processor}, {threads}, on {machine.device}; torch"
                f" {machine.torch_version}; stride {self.stride}, S = {self.samples}",
                "infills: S samples, or the mean, for every window, without the covariances, which"
                " are computed once for all images; forward: every infilled image through the whole"
                " network, without what this program does to be faster (study speed)",
                *(["–: the batch does not fit into memory"] if large else []),
            ],
            about={**vars(machine), "classifiers": list(networks)},
        )


def images_timed(largest: int) -> int:
    """How many images go through a network, with the round before those that count."""
    sizes = [largest]
    while sizes[-1] > 1 and len(sizes) < 4:
        sizes.append(max(1, sizes[-1] // 4))
    return 4 * sum(sizes)


def _cells(classifier: str, one: MapTime) -> list[Cell]:
    share = None if not one.seconds else one.infill_seconds / one.seconds
    values = (one.batch_seconds, one.infill_seconds, one.forward_seconds, one.seconds)
    batch_s, infill, forward, seconds = (significant(v, 4) for v in values)
    return [
        classifier, one.method, one.batch, batch_s, one.passes, infill, forward, seconds,
        None if share is None else round(share, 4),
    ]  # fmt: skip


def _sentence(found: Sequence[Times]) -> str:
    """The time of both methods in the largest batch that fits."""
    told = []
    for one in found:
        known = [entry for entry in one.maps if entry.seconds is not None]
        if len(known) < 2:
            continue
        original, efficient = known[-2:]
        first, second = original.seconds or 0.0, efficient.seconds or 1.0
        told.append(
            f"{one.classifier} in batches of {original.batch}: original {duration(first)},"
            f" efficient {duration(second)}, {first / second:.1f} times as fast"
        )
    return f"A map of {'; of '.join(told)}." if told else "No batch fits into memory."

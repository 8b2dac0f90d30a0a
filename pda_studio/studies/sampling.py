"""The study of sampling: how many samples a window's score, and a whole map, need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.errors import UsageError
from pda_studio.parameters import parameter
from pda_studio.pda.options import REPEATABLE
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
from pda_studio.studies.over_images import about, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.sampling import Sampling
    from pda_studio.results import Subject

_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_COLUMNS = (
    Column("samples", "samples S", "count"),
    Column("difference", "mean distance", "correlation"),
    Column("spread", "spread of repeats", "correlation"),
    Column("error", "standard error", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("map_correlation", "r of maps, expected", "correlation"),
)


class Samplings(Study):
    """The probability without one window against the number of samples, and that of the map."""

    name: ClassVar[str] = "sampling"
    title: ClassVar[str] = "Sampling"
    summary: ClassVar[str] = (
        "How many samples of an infill the score without a window needs, and how many until a whole"
        " map is stable."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Fig. 16"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"subject"})

    x: int = parameter(
        -1,
        "Column",
        "Of the pixel in the middle of the window; −1 takes the pixel that was clicked, else the"
        " middle of the image.",
        unit="pixels",
        ge=-1,
        le=10_000,
    )
    y: int = parameter(-1, "Row", "Likewise.", unit="pixels", ge=-1, le=10_000)
    window: int = parameter(
        0,
        "Window",
        "Side of the window; 0 takes what suits the classifier.",
        unit="pixels",
        ge=0,
        le=63,
    )
    samples: int = parameter(
        500, "Samples", "How many of the window at most.", unit="infills", ge=2, le=1000
    )
    repeats: int = parameter(
        10, "Repeats", "How often they are drawn, each time with another seed.", ge=2, le=100
    )
    map_samples: int = parameter(
        10,
        "Of maps",
        "Samples of each window in the two maps that are compared; 0 leaves the maps out.",
        unit="infills",
        ge=0,
        le=1000,
    )
    alike: float = parameter(
        0.95,
        "Alike",
        "From which correlation on two maps are stable.",
        step=0.01,
        ge=0.1,
        le=0.999,
    )
    error: float = parameter(
        0.01,
        "Error",
        "Which standard error of the score is small enough.",
        step=0.005,
        ge=0.0001,
        le=1,
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same samples.", ge=0, le=2**31)

    def effort(self) -> str:
        """Infills of one window, and two maps."""
        text = f"{self.repeats * self.samples:,} forward passes"
        maps = f" and two maps with {self.map_samples} samples" if self.map_samples else ""
        return f"{text}{maps}; finished maps are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Draw the samples of one window again and again, then compute two maps."""
        from pda_studio.experiments.sampling import sampling_of
        from pda_studio.methods import method_named

        assert inputs.subject is not None, "it is what the study needs"
        subject = inputs.subject()
        sizes: dict[str, Any] = {"window": self.window} if self.window else {}
        sampled = method_named("original-pda").create(
            subject.classifier, **sizes, samples=self.samples, seed=self.seed
        )
        made = {**sizes, **REPEATABLE, "stride": max(1, sampled.window // 2)}  # type: ignore[attr-defined]
        sampled = type(sampled).create(
            subject.classifier, **made, samples=self.samples, seed=self.seed
        )
        by_mean = method_named("efficient-pda").create(subject.classifier, **made)
        steps = sampling_of(
            subject,
            sampled,  # type: ignore[arg-type]
            by_mean,  # type: ignore[arg-type]
            self._pixel(inputs, subject),
            repeats=self.repeats,
            map_samples=self.map_samples,
        )
        yield from streamed(steps, lambda found: self._result(found, subject))

    def _pixel(self, inputs: Inputs, subject: Subject) -> tuple[int, int]:
        """Column and row of the window's middle."""
        height, width = subject.view.shape[:2]
        chosen = (self.x, self.y)
        if -1 in chosen:
            chosen = inputs.pixel or (width // 2, height // 2)
        x, y = chosen
        if x >= width or y >= height:
            raise UsageError(
                f"There is no pixel at x {x}, y {y} in the classifier’s input of {width}×{height}."
            )
        return x, y

    def _result(self, found: Sampling, subject: Subject) -> StudyResult | None:
        from pda_studio.experiments.sampling_figure import draw_sampling

        if not found.of_each:
            return None
        unit = "P" if subject.scored.has_probabilities else subject.unit
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(_COLUMNS, self._rows(found)),
            draw=lambda: draw_sampling(found, subject.view, self.alike, unit),
            notes=[
                "distance: between the target’s probability (or plain value) without the window,"
                " averaged over S samples, and that with the mean infill of efficient PDA, over"
                " repeats; standard error: spread from sample to sample over √S; 95 %: where a"
                " repeat’s distance lies, by a folded normal distribution",
                "r of maps: Pearson’s between two maps with S samples each and other seeds,"
                " expected from what two maps share and do not share",
            ],
            about={**about(subject.classifier, 1), "target": subject.target_name},
        )

    def _rows(self, found: Sampling) -> list[list[Cell]]:
        import numpy as np

        running = found.running()
        counts = [one for one in _COUNTS if one <= running.shape[1]]
        low, high = found.band(np.array(counts, np.float64))
        rows: list[list[Cell]] = []
        for at, count in enumerate(counts):
            column = running[:, count - 1]
            spread = float(column.std(ddof=1)) if len(column) > 1 else None
            expected = found.reliability
            rows.append(
                [
                    count,
                    significant(float(np.abs(column - found.by_mean).mean())),
                    significant(spread),
                    significant(float(found.error(float(count)))),
                    significant(float(low[at])),
                    significant(float(high[at])),
                    significant(float(expected.correlation(float(count))) if expected else None),
                ]
            )
        return rows

    def _sentence(self, found: Sampling) -> str:
        at, ten = found.rectangle, float(found.error(10.0))
        text = (
            f"Without the window at x {at.left}, y {at.top} ({at.width}×{at.height} pixels) ten"
            f" samples leave a standard error of {ten:.2g}, and {self.error:g} takes"
            f" {found.samples_for(self.error):,}; the mean infill is"
            f" {abs(found.mean - found.by_mean):.2g} off the mean over all samples"
        )
        if found.reliability is not None:
            needed = found.reliability.samples_for(self.alike)
            told = "no number of samples is enough" if needed is None else f"{needed:,} samples"
            text += f"; two maps correlate by {self.alike:g} from {told} on"
            text = text.replace(
                "from no number of samples is enough on", "with no number of samples"
            )
        return f"{text}."

"""The study of patches: what the image patches of important neurons are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.methods.neurons import Neurons
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Study,
    StudyProgress,
    StudyResult,
    Table,
)
from pda_studio.studies.over_images import about, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.patch_runs import RunScores


class Patches(Study):
    """Train a small network on the patches that excite each metric's neurons."""

    name: ClassVar[str] = "patches"
    title: ClassVar[str] = "Patches of neurons"
    summary: ClassVar[str] = (
        "Whether the patches that excite important neurons matter: a small network learns the"
        " class from those of each metric."
    )
    citation: ClassVar[str] = (
        "Lengerich et al., Towards visual explanations for convolutional neural networks via"
        " input resampling, 2017, Sections 5.1 and 5.3"
    )

    folder: Path = parameter(..., "Image folder", "Images, in a folder for each class.")
    masks: Path | None = parameter(
        None,
        "Mask folder",
        "Where the objects are: images of the same names and sizes, white there.",
    )
    top: int = same_but(Neurons, "top", 5)
    shallowest: int = same_but(Neurons, "shallowest", 0)
    deepest: int = same_but(Neurons, "deepest", 100)
    epochs: int = parameter(
        10, "Epochs", "How often the small network sees each patch.", ge=1, le=1000
    )
    repeats: int = parameter(
        1, "Seeds", "Over how many seeds the study is repeated, for intervals.", ge=1, le=100
    )
    seed: int = parameter(
        0, "Seed", "The same seed gives the same noise and training.", ge=0, le=2**32 - 1
    )

    def effort(self) -> str:
        """A ranking for each image, and a small training for each metric."""
        times = f", {self.repeats} times" if self.repeats > 1 else ""
        return (
            "About 100 forward passes for each image, then six trainings of a small"
            f" network{times}: minutes for a hundred images."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Cut out the patches of all images, then train on those of each metric; each seed anew."""
        from pda_studio.attribution.ranking import METRICS
        from pda_studio.experiments.patch_runs import Run, patch_runs
        from pda_studio.experiments.patches import Images

        images = Images.of(self.folder, self.masks)
        values = {"top": self.top, "shallowest": self.shallowest, "deepest": self.deepest}
        classifier = inputs.classifier()
        classes = len(images.class_names)
        measured_on = {**about(classifier, len(images.paths)), "classes": classes}
        runs = [
            Run(f"seed {seed}" if self.repeats > 1 else "", lambda: classifier, seed)
            for seed in range(self.seed, self.seed + self.repeats)
        ]
        steps = patch_runs(
            runs,
            images,
            Neurons.of_values(values),
            METRICS,
            epochs=self.epochs,
            read=inputs.read,
        )
        yield from streamed(steps, lambda found: _result(found, classes, measured_on))


def _result(
    found: tuple[RunScores, ...], classes: int, about: dict[str, Any]
) -> StudyResult | None:
    from pda_studio.experiments.charts import draw_bars

    if not found:
        return None
    random = 1 / classes
    several = len(found) > 1
    rows: list[list[Cell]] = []
    for first in found[0].scores:
        own = [s for run in found for s in run.scores if s.metric == first.metric]
        places = [one.localisation for one in own if one.localisation is not None]
        accuracy = _numbers([one.accuracy for one in own], several)
        localisation = _numbers(places, several)
        overlap = sum(one.overlap for one in own) / len(own)
        rows.append(
            [first.metric, first.patches, *accuracy, *localisation, round(overlap, 4)],
        )
    interval = [Column("low", "95 % from", "share"), Column("high", "to", "share")]
    placed = [Column("place_low", "95 % from", "share"), Column("place_high", "to", "share")]
    columns = [
        Column("metric", "metric"),
        Column("patches", "patches", "count"),
        Column("accuracy", "accuracy", "share"),
        *(interval if several else []),
        Column("localisation", "localisation", "share"),
        *(placed if several else []),
        Column("jaccard", "Jaccard", "correlation"),
    ]
    best = max(rows, key=lambda row: float(row[2] or 0))
    seeds = f", the mean over {len(found)} seeds" if several else ""
    share = 100 * float(best[2] or 0)
    better = f"{share:.0f} % of the patches of unseen images are classified correctly{seeds}"
    return StudyResult(
        sentence=f"The patches chosen by {best[0]} hold most of the class: {better}, where"
        f" chance is {100 * random:.0f} %."
        if float(best[2] or 0) > random
        else f"No metric's patches hold the class: none is above chance, {100 * random:.0f} %.",
        table=Table(columns, rows),
        draw=lambda: draw_bars(
            [str(row[0]) for row in rows],
            [row[2] for row in rows],
            "accuracy on patches of unseen images",
            intervals=[(row[3], row[4]) for row in rows] if several else None,
            line=(random, "chance"),
        ),
        notes=[
            f"{about['images']} images of {classes} classes; chance is {100 * random:.0f} %.",
            "accuracy: of a small network, on patches of images that it has not seen;"
            " localisation: share of patches that hold a part of the object, where there are masks;"
            " Jaccard: index of the metric's neurons with those of activation precision",
            *(["intervals: by Student’s t over seeds"] if several else []),
        ],
        about=about,
    )


def _numbers(values: Sequence[float], several: bool) -> list[Cell]:
    """A mean, with its interval over seeds where there are several."""
    if not several:
        return [values[0] if values else None]
    return list(mean_with_interval(values))

"""The study of invariance: whether maps move with the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.counts import counted, written
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, known, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.invariance import Invariance

_GROUP = "How strong"
_COUNTS = {"rotations": 5, "flips": 2, "crops": 2, "shifts": 2, "brightness": 2, "noise": 1}
_COLUMNS = (
    Column("transformation", "transformation"),
    Column("method", "method"),
    Column("images", "images", "count"),
    Column("correlation", "Pearson’s r", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("overlap", "top 5 %", "share"),
    Column("shared", "pixels that stay", "share"),
    Column("change", "score change", "correlation"),
    Column("class_kept", "class kept", "share"),
)


class Invariances(OverImages):
    """Maps of rotated, flipped, cropped, shifted, brighter and noisy images, in one frame."""

    name: ClassVar[str] = "invariance"
    title: ClassVar[str] = "Invariance"
    summary: ClassVar[str] = (
        "Whether maps move with the image when it is rotated, flipped, cropped or shifted, and stay"
        " when it becomes brighter or noisy."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Figs. 17 and 18"
    )

    images: int = same_but(OverImages, "images", 5)
    kind: Literal["all", "rotations", "flips", "crops", "shifts", "brightness", "noise"] = (
        parameter("all", "Transformations", "Which transformations.")
    )
    angle: float = parameter(
        15.0, "Angle", "Of the small rotations.", unit="degrees", ge=1, le=89, group=_GROUP
    )
    crop: float = parameter(
        0.8,
        "Crop",
        "Share of each side that a crop leaves.",
        step=0.05,
        ge=0.25,
        le=0.95,
        group=_GROUP,
    )
    shift: float = parameter(
        0.1, "Shift", "By which share of the side.", step=0.05, ge=0.01, le=0.5, group=_GROUP
    )
    brightness: float = parameter(
        0.2,
        "Brightness",
        "By which share brighter and darker.",
        step=0.05,
        ge=0.01,
        le=0.9,
        group=_GROUP,
    )
    noise: float = parameter(
        0.05,
        "Noise",
        "Standard deviation of the noise, as a share of the range from black to white.",
        step=0.01,
        ge=0.001,
        le=1,
        group=_GROUP,
    )
    seed: int = parameter(
        0, "Seed", "The same seed gives the same noise.", ge=0, le=2**32 - 1, group=_GROUP
    )

    def effort(self) -> str:
        """A map for each image, transformation and method."""
        count = 1 + (sum(_COUNTS.values()) if self.kind == "all" else _COUNTS[self.kind])
        return f"{count} maps of each method for {self.how_many()}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain each image, then each transformation of it, by all methods."""
        from pda_studio.experiments.invariance import invariance_over_images
        from pda_studio.experiments.transformations import KINDS, Strengths

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        strengths = Strengths(
            self.angle, self.crop, self.shift, self.brightness, self.noise, self.seed
        )
        steps = invariance_over_images(
            self.subjects(inputs, classifier),
            inputs.methods(classifier),
            classifier.input_size,
            strengths=strengths,
            kinds=KINDS if self.kind == "all" else (self.kind,),
        )
        yield from streamed(
            steps, lambda found: _result(found, about(classifier, len(found.agreements)))
        )


def _result(found: Invariance, measured_on: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.invariance_figure import draw_invariance

    if not found.agreements:
        return None
    return StudyResult(
        sentence=_sentence(found),
        table=Table(_COLUMNS, _rows(found), group="transformation"),
        draw=lambda: draw_invariance(found),
        notes=[
            "Pearson’s r, and the share of the strongest 5 % of pixels that both maps have, between"
            " the original’s map and the transformed image’s, turned back, over the pixels that"
            " both show; the mean over images, with its 95 % interval by Student’s t",
            "score change: of the target’s probability (or plain value), the mean; class kept: how"
            " many images keep their likeliest class: where it is another, a map may be, too",
        ],
        about=measured_on,
    )


def _rows(found: Invariance) -> list[list[Cell]]:
    correlations = found.values("correlation")
    overlaps, shared = found.means("overlap"), found.means("shared")
    rows: list[list[Cell]] = []
    for at, change in enumerate(found.transformations):
        changes = [float(said[at + 1] - said[0]) for said in found.probabilities]
        kept = [one[at] for one in found.kept]
        for place, method in enumerate(found.methods):
            values: list[float] = correlations[:, at, place].tolist()
            rows.append(
                [
                    change,
                    method,
                    known(values),
                    *mean_with_interval(values),
                    round(float(overlaps[at, place]), 4),
                    round(float(shared[at, place]), 4),
                    round(sum(changes) / len(changes), 4),
                    round(sum(kept) / len(kept), 4),
                ]
            )
    return rows


def _sentence(found: Invariance) -> str:
    from pda_studio.experiments.invariance import mean_of_known

    means = found.means("correlation")
    count, changes = len(found.agreements), len(found.transformations)
    head = f"Over {counted(count, 'image')} and {counted(changes, 'transformation')}"
    of_methods = mean_of_known(means, 0)
    order = [place for place in of_methods.argsort() if of_methods[place] == of_methods[place]]
    if not order:
        return f"{head}, no two maps can be compared: they are the same everywhere."
    best, worst = order[-1], order[0]
    told = f"maps of {found.methods[best]} keep a mean r of {written(of_methods[best])}"
    told += " in the original frame"
    if best != worst:
        told += f", most of all, and those of {found.methods[worst]}"
        told += f" {written(of_methods[worst])}, least"
    of_changes = mean_of_known(means, 1)
    hardest = min(
        range(changes), key=lambda at: of_changes[at] if of_changes[at] == of_changes[at] else 2.0
    )
    if changes > 1:
        told += f"; least is kept when the image is {found.transformations[hardest]}"
        told += f" ({written(of_changes[hardest])})"
    return f"{head}, {told}.".replace("is noise", "has noise")

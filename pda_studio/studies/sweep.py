"""The study of a parameter: a strip of maps, and where they are stable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pda_studio.counts import counted
from pda_studio.methods import METHODS
from pda_studio.parameters import OneOf, parameter, same_but
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.sweep import Strip, Sweep
    from pda_studio.methods import Method

_VALUES = "Values"
NUMBERS: dict[str, str] = {
    known.name: known.label
    for kind in METHODS.values()
    for known in kind.parameters()
    if known.is_number
}
"""Every parameter of a method that takes numbers, and what people call it."""


class Sweeps(OverImages):
    """The maps of methods with one value of a parameter after the other."""

    name: ClassVar[str] = "sweep"
    title: ClassVar[str] = "Sweep"
    summary: ClassVar[str] = (
        "How maps change with a number among a method's parameters, as the window size, and in"
        " which range they are stable."
    )
    citation: ClassVar[str] = (
        "Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017, Fig. 4"
    )

    images: int = same_but(OverImages, "images", 5)
    vary: Annotated[str, OneOf(NUMBERS)] = parameter(
        "window", "Parameter", "Which parameter; methods without it are left out."
    )
    smallest: float = parameter(
        0.0,
        "Smallest",
        "Where it begins; a largest value of 0 takes a quarter of each method's own value.",
        ge=0,
        le=1e6,
        group=_VALUES,
    )
    largest: float = parameter(
        0.0,
        "Largest",
        "Where it ends; 0 takes four times each method's own value, as far as that fits.",
        ge=0,
        le=1e6,
        group=_VALUES,
    )
    count: int = parameter(
        7, "Count", "How many values, each method's own beside them.", ge=2, le=40, group=_VALUES
    )
    spacing: Literal["geometric", "linear"] = parameter(
        "geometric",
        "Spacing",
        "Whether each value is the same multiple of the one before, or larger by the same amount.",
        group=_VALUES,
    )
    margin: int = parameter(
        8,
        "Margin",
        "Where window sizes are swept: by how much the outer patch is larger, l = k + margin.",
        unit="pixels",
        ge=1,
        le=60,
        group=_VALUES,
    )
    alike: float = parameter(
        0.9,
        "Alike",
        "From which mean correlation on the maps of neighbouring values are stable.",
        step=0.05,
        ge=0,
        le=1,
    )

    def effort(self) -> str:
        """A map for each image, value and method."""
        return (
            f"{self.count + 1} maps of each method for {self.how_many()}; finished ones are found."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain each image with one value after the other."""
        from pda_studio.experiments.sweep import sweep_over_images

        classifier = inputs.classifier()
        strips = self._strips(inputs, classifier)
        steps = sweep_over_images(self.subjects(inputs, classifier), strips)
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, len(found.to_own)))
        )

    def explaining(self, inputs: Inputs, classifier: Classifier) -> Sequence[Method]:
        """Each method with one value after the other."""
        return [one for strip in self._strips(inputs, classifier) for one in strip.methods]

    def _strips(self, inputs: Inputs, classifier: Classifier) -> list[Strip]:
        from pda_studio.experiments.sweep import Span, strips_of

        assert inputs.methods is not None, "it is what the study needs"
        geometric = self.spacing == "geometric"
        span = Span(self.smallest, self.largest, self.count, geometric, self.margin)
        return strips_of(inputs.methods(classifier), self.vary, span, classifier.shorter_side)

    def _result(self, found: Sweep, measured_on: dict[str, Any]) -> StudyResult | None:
        from pda_studio.experiments.sweep_figure import draw_sweep

        if not any(found.maps):
            return None
        unit = found.strips[0].unit
        label = f"{NUMBERS[self.vary]} ({unit})" if unit else NUMBERS[self.vary]
        whole = all(isinstance(value, int) for strip in found.strips for value in strip.values)
        columns = [
            Column("method", "method"),
            Column(self.vary, NUMBERS[self.vary].lower(), "count" if whole else "number"),
            Column("images", "images", "count"),
            Column("to_previous", "ρ, value before", "correlation"),
            Column("low", "95 % from", "correlation"),
            Column("high", "to", "correlation"),
            Column("to_own", "ρ, own value", "correlation"),
            Column("strength", "rms evidence", "number"),
        ]
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(columns, _rows(found), group="method"),
            draw=lambda: draw_sweep(found, label, self.alike, mean_with_interval),
            notes=[
                "Spearman’s ρ between the map of a value and that of the value before, and of the"
                " method’s own value: the mean over images, with its 95 % interval by Student’s t"
            ],
            about=measured_on,
        )

    def _sentence(self, found: Sweep) -> str:
        from pda_studio.experiments.sweep import stable_range

        count, name = len(found.to_previous), NUMBERS[self.vary].lower()
        if not count:
            return f"The first image is being explained with one {name} after the other."
        told = []
        for at, strip in enumerate(found.strips):
            spaced = [place for place, is_spaced in enumerate(strip.spaced) if is_spaced]
            means = [
                mean_with_interval([image[at][place] for image in found.to_previous])[0]
                for place in spaced
            ]
            known = [-2.0 if one is None else float(one) for one in means]
            run = stable_range(known, self.alike)
            if run is None:
                told.append(f"those of {strip.name} are stable nowhere")
                continue
            first, last = (f"{strip.values[spaced[end]]:.4g}" for end in run)
            told.append(f"those of {strip.name} are stable from {first} to {last}")
        images = counted(count, "image")
        return (
            f"Of all maps over the {name} and {images}, {'; '.join(told)} (ρ of neighbours at least"
            f" {self.alike:g})."
        )


def _rows(found: Sweep) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    count = len(found.to_previous)
    for at, strip in enumerate(found.strips):
        for place, value in enumerate(strip.values):
            if not count:
                continue
            previous = mean_with_interval([image[at][place] for image in found.to_previous])
            own = mean_with_interval([image[at][place] for image in found.to_own])
            strength = sum(image[at][place] for image in found.strength) / count
            row: list[Cell] = [strip.name, value, count, *previous, own[0]]
            rows.append([*row, float(f"{strength:.4g}")])
    return rows

"""The study of the approximation: what the mean infill costs, at the output and by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    StudyProgress,
    StudyResult,
    Table,
    significant,
)
from pda_studio.studies.over_images import OverImages, about, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.approximation import Approximation

_COLUMNS = (
    Column("part", "part"),
    Column("name", "of"),
    Column("quantity", "quantity"),
    Column("value", "value", "number"),
)
_SPREADS = (0.1, 0.5, 1.0)


class Approximations(OverImages):
    """Means of probabilities over samples against the probability with the mean infill."""

    name: ClassVar[str] = "approximation"
    title: ClassVar[str] = "Approximation by the mean infill"
    summary: ClassVar[str] = (
        "How far the probability with the mean infill is from the mean over many infills, and"
        " where in the network the difference arises."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, Figs. 8 to 11"
    needs: ClassVar[frozenset[Need]] = frozenset({"images"})

    samples: int = parameter(
        500, "Samples", "Infills of the window of each image.", unit="infills", ge=2, le=10_000
    )
    window: int = parameter(
        0,
        "Window",
        "Side of the window; 0 takes what suits the classifier.",
        unit="pixels",
        ge=0,
        le=63,
    )
    x: int = parameter(
        -1,
        "Column",
        "Of the pixel in the middle of the window, the same in all images; −1 takes the middle.",
        unit="pixels",
        ge=-1,
        le=10_000,
    )
    y: int = parameter(-1, "Row", "Likewise.", unit="pixels", ge=-1, le=10_000)
    near: float = parameter(
        0.01,
        "Near",
        "Up to which difference of probability the two count as the same.",
        step=0.005,
        ge=0,
        le=1,
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same samples.", ge=0, le=2**31)

    def effort(self) -> str:
        """A forward pass for each sample."""
        return f"{self.samples:,} forward passes for {self.how_many()}; finished images are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Fill the window of one image after the other."""
        from pda_studio.errors import UsageError
        from pda_studio.experiments.approximation import approximation_over_images
        from pda_studio.methods import method_named

        classifier = inputs.classifier()
        sizes = {"window": self.window} if self.window else {}
        values = {**sizes, "samples": self.samples, "seed": self.seed}
        sampled = method_named("original-pda").create(classifier, **values)
        by_mean = method_named("efficient-pda").create(classifier, **sizes)
        height, width = classifier.input_size
        x, y = (length // 2 if at < 0 else at for at, length in ((self.x, width), (self.y, height)))
        if x >= width or y >= height:
            raise UsageError(
                f"There is no pixel at x {x}, y {y} in the classifier’s input of {width}×{height}."
            )
        steps = approximation_over_images(
            classifier,
            self.subjects(inputs, classifier),
            sampled,  # type: ignore[arg-type]
            by_mean,  # type: ignore[arg-type]
            (x, y),
        )
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, len(found.each)))
        )

    def _result(self, found: Approximation, measured_on: dict[str, Any]) -> StudyResult | None:
        from pda_studio.experiments.approximation_figure import draw_approximation

        if not found.each:
            return None
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(_COLUMNS, self._rows(found), group="part"),
            draw=lambda: draw_approximation(found),
            notes=[
                "images: the target’s probability, its arithmetic mean over the samples, the"
                " softmax of the mean logits (normalised geometric mean), and with the"
                " distribution’s mean as infill; error: the last less the first",
                "layers: results of layers with weights, which the next non-linearity gets, over"
                " the units that the window reaches, median over images; change sign: the units"
                " that are above 0 for some samples and below for others, as a share; error: of the"
                " mean infill’s values, in units of the spread",
                "maxout units: with a normal input of mean 0; error: mean of the values less the"
                " value of the mean, exactly; bound: log k + σ²/2 (Eq. 31)",
            ],
            about={**measured_on, "samples": found.samples},
        )

    def _rows(self, found: Approximation) -> list[list[Cell]]:
        from pda_studio.experiments.maxout import UNITS

        rows: list[list[Cell]] = []

        def tell(part: str, name: str, values: dict[str, float]) -> None:
            rows.extend([part, name, what, significant(value)] for what, value in values.items())

        for one in found.each:
            values = {
                "arithmetic mean": one.arithmetic,
                "normalised geometric mean": one.geometric,
                "with the mean infill": one.by_mean,
                "error": one.error,
                "sampling error": one.monte_carlo,
            }
            tell("images", f"{one.image}: {one.target}", values)
        names = ("mean input, size", "spread", "mean / spread", "change sign", "error / spread")
        for layer, told in zip(found.layers, found.by_layer().tolist(), strict=True):
            tell("layers", layer, dict(zip(names, told, strict=True)))
        for unit in UNITS:
            for deviation in _SPREADS:
                mean, of_mean = unit.expected(0.0, deviation), float(unit(0.0))
                values = {
                    "mean of the values": mean,
                    "value of the mean": of_mean,
                    "error": mean - of_mean,
                    "bound": unit.bound(deviation),
                }
                tell("maxout units", f"{unit.name}, spread {deviation:g}", values)
        return rows

    def _sentence(self, found: Approximation) -> str:
        import numpy as np

        from pda_studio.experiments.approximation import RATIO, SPREAD

        errors = np.abs(found.errors)
        count = len(errors)
        near = int((errors <= self.near).sum())
        images = "one image" if count == 1 else f"{near} of {count} images"
        if count == 1:
            told = f"differs by {errors[0]:.2g} from the mean over {found.samples} samples"
        else:
            told = (
                f"is within {self.near:g} of the mean over {found.samples} samples in {images}"
                f" (median error {np.median(errors):.2g}, largest {errors.max():.2g})"
            )
        layers = found.by_layer()
        known = np.flatnonzero(np.isfinite(layers[:, SPREAD]))
        text = f"With the mean infill the probability {told}"
        if len(known) > 1:
            first, last = (layers[at, RATIO] for at in (known[0], known[-1]))
            names = found.layers[known[0]], found.layers[known[-1]]
            text += (
                f"; from {names[0]} to {names[1]} the mean input of a unit goes from {first:.3g} to"
                f" {last:.3g} times its spread"
            )
        return f"{text}."

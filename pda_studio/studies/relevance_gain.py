"""The study of relevance gain: which method orders the parts of images best."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.parameters import parameter
from pda_studio.studies.base import Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverFolder, about, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.gains import Gains

Fill = Literal["blur", "grey"]


class RelevanceGain(OverFolder):
    """Insertion less deletion of blocks in the order of each method's evidence, over images."""

    name: ClassVar[str] = "relevance-gain"
    title: ClassVar[str] = "Relevance gain"
    summary: ClassVar[str] = (
        "Which method's order of image blocks shows a class soonest when they are put in, and"
        " hides it soonest when they are taken out."
    )
    citation: ClassVar[str] = (
        "Petsiuk et al., RISE, BMVC 2018, Section 4.2; Blücher et al., Decoupling pixel flipping"
        " and occlusion strategy, TMLR 2024"
    )

    block: int = parameter(8, "Block", "Side of a block.", unit="pixels", ge=1, le=128)
    fill: Fill = parameter(
        "blur", "Fill", "What is there where a block is not: the blurred image, or grey."
    )
    sigma: float = parameter(
        10.0, "Blur", "Standard deviation of the blur.", unit="pixels", step=0.5, ge=0.5, le=100
    )
    curve_steps: int = parameter(
        28, "Steps", "In how many steps blocks are put in and taken out.", ge=1, le=1000
    )

    def effort(self) -> str:
        """A map for each image and method."""
        return f"A map of each method for each of up to {self.images} images, and its two curves."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image after the other by all methods, and measure the maps."""
        from pda_studio.experiments.gains import gains_over_images

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        options = {
            "block": self.block,
            "fill": self.fill,
            "sigma": self.sigma,
            "steps": self.curve_steps,
        }
        steps = gains_over_images(
            self.subjects(inputs, classifier),
            inputs.methods(classifier),
            options,
        )
        yield from streamed(steps, lambda gains: _result(gains, about(classifier, gains.count)))


def _result(gains: Gains, about: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.charts import draw_bars

    if not gains.count:
        return None
    rows = gains.rows()
    seconds = ", ".join(f"{row[0]} {row[-1]:#.2g}" for row in rows)
    columns = [
        Column("method", "method"),
        Column("images", "images", "count"),
        Column("gain", "gain", "correlation"),
        Column("low", "95 % from", "correlation"),
        Column("high", "to", "correlation"),
        Column("insertion", "insertion", "correlation"),
        Column("deletion", "deletion", "correlation"),
    ]
    return StudyResult(
        sentence=gains.sentence(),
        table=Table(columns, [row[:-1] for row in rows]),  # times are others in every run
        draw=lambda: draw_bars(
            [str(row[0]) for row in rows],
            [row[2] for row in rows],
            "relevance gain (insertion less deletion)",
            intervals=[(row[3], row[4]) for row in rows],
            line=(0.0, "random order"),
        ),
        notes=[
            "gain: area under the insertion curve less that under the deletion curve, 0 for an"
            " order at random; its 95 % confidence interval by Student's t over images",
            f"seconds for a map, the median: {seconds}",
        ],
        about=about,
    )

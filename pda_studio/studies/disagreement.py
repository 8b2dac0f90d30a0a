"""The study of disagreement: which methods give like maps, and where the others are apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.counts import counted, written
from pda_studio.parameters import parameter
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, known, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.disagreement import Disagreement

_TITLES = {"spearman": "Spearman’s ρ", "pearson": "Pearson’s r"}


class MethodsDisagree(OverImages):
    """Correlations of all methods' maps of the same images, clustered, and the map of spread."""

    name: ClassVar[str] = "disagreement"
    title: ClassVar[str] = "Where methods disagree"
    summary: ClassVar[str] = (
        "Which methods give like maps of the same images, which do not, and where in an image they"
        " are apart."
    )
    citation: ClassVar[str] = (
        "Krishna et al., The disagreement problem in explainable machine learning, TMLR 2024"
    )

    measure: Literal["spearman", "pearson"] = parameter(
        "spearman", "Correlation", "Of the ranks of pixels (spearman), or of their evidence."
    )
    values: Literal["signed", "absolute"] = parameter(
        "signed",
        "Evidence",
        "Whether evidence for and against the target is told apart (signed); the maps of some"
        " methods have no sign.",
    )
    blur: float = parameter(
        0.0,
        "Blur",
        "Standard deviation of a Gaussian by which maps are smoothed before they are compared, so"
        " that fine and coarse ones can be alike; 0 for none.",
        unit="pixels",
        step=0.5,
        ge=0,
        le=50,
    )
    alike: float = parameter(
        0.5,
        "Alike",
        "From which mean correlation on methods are counted as one group.",
        step=0.05,
        ge=0,
        le=1,
    )

    def effort(self) -> str:
        """A map for each image and method."""
        return f"A map of each method for {self.how_many()}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image after the other by all methods, and correlate the maps."""
        from pda_studio.experiments.disagreement import disagreement_over_images

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        steps = disagreement_over_images(
            self.subjects(inputs, classifier),
            inputs.methods(classifier),
            measure=self.measure,
            values=self.values,
            blur=self.blur,
        )
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, len(found.each)))
        )

    def _result(self, found: Disagreement, measured_on: dict[str, Any]) -> StudyResult | None:
        from pda_studio.experiments.disagreement_figure import draw_disagreement

        if not found.each:
            return None
        rows: list[list[Cell]] = [
            [first, other, known(values), *mean_with_interval(values)]
            for first, other, values in found.pairs()
        ]
        columns = [
            Column("first", "method"),
            Column("other", "other method"),
            Column("images", "images", "count"),
            Column("correlation", _TITLES[self.measure], "correlation"),
            Column("low", "95 % from", "correlation"),
            Column("high", "to", "correlation"),
        ]
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(columns, rows),
            draw=lambda: draw_disagreement(found, self.alike, f"mean {_TITLES[self.measure]}"),
            notes=[
                f"{_TITLES[self.measure]} of {self.values} evidence over the pixels of an image,"
                " the mean over images, and its 95 % confidence interval by Student’s t;"
                " clusters by average linkage of 1 − r, one group up to the dotted line",
                "spread: standard deviation between the methods’ maps, each in units of its own"
                " root mean square, of the image in which they agree least",
            ],
            about=measured_on,
        )

    def _sentence(self, found: Disagreement) -> str:
        groups = found.groups(self.alike)
        count = len(found.each)
        images = counted(count, "image")
        means = [
            (one, other, mean)
            for one, other, values in found.pairs()
            if (mean := mean_with_interval(values)[0]) is not None
        ]
        if not means:
            return f"Over {images}, no two methods have maps that can be compared."
        (one, two, high), (three, four, low) = means[0], means[-1]
        if len(groups) == 1:
            told = f"all {len(found.names)} methods give like maps"
        elif len(groups) == len(found.names):
            told = f"no two of {len(found.names)} methods give like maps"
        else:
            told = f"{len(found.names)} methods form {len(groups)} groups of like maps"
            several = [", ".join(group) for group in groups if len(group) > 1]
            told += f" ({'; '.join(several)})"
        most = f"most alike are {one} and {two} ({written(float(high))})"
        least = f", least {three} and {four} ({written(float(low))})" if len(means) > 1 else ""
        return f"Over {images}, {told}: {most}{least}."

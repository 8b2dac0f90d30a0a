"""The study of fidelity: which method is best by which metric, and which differences are none."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pda_studio.counts import counted, written
from pda_studio.metrics.fidelity_metrics import FIDELITY_METRICS, MetricSettings
from pda_studio.parameters import OneOf, parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    FolderMaps,
    Inputs,
    StudyProgress,
    StudyResult,
    Table,
)
from pda_studio.studies.over_images import OverFolder, about, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.fidelity import Fidelities, Measured
    from pda_studio.experiments.map_work import MapStep

ALL = "all"
_NAMED = 4  # of those that are tied with the best
_FEWEST = 6  # cases, of which a paired permutation test can make p less than 0.05
_CHOICES: Mapping[str, object] = ChainMap(FIDELITY_METRICS, {ALL: "every metric"})  # type: ignore[arg-type]
_COLUMNS = [
    Column("metric", "metric"),
    Column("rank", "rank", "count"),
    Column("method", "method"),
    Column("cases", "cases", "count"),
    Column("value", "value", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("lead", "lead over next", "correlation"),
    Column("lead_low", "95 % from", "correlation"),
    Column("lead_high", "to", "correlation"),
    Column("p", "p", "number"),
    Column("tied", "tied with"),
    Column("optimises", "optimises it"),
]


class Fidelity(OverFolder):
    """Methods against each other by metrics, ranked, with the differences that are none."""

    name: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Fidelity"
    summary: ClassVar[str] = (
        "Which method's maps are best by which metric over many images, and which differences are"
        " none."
    )
    citation: ClassVar[str] = (
        "Blücher et al., Decoupling pixel flipping and occlusion strategy for consistent XAI"
        " benchmarks, TMLR 2024; Petsiuk et al., RISE, BMVC 2018; Chen et al., Delving deep into"
        " interpreting neural nets with piece-wise affine representation, ICIP 2019; Hesse et al.,"
        " FunnyBirds, ICCV 2023; Rong et al., A consistent and efficient evaluation strategy for"
        " attribution methods, ICML 2022; Yeh et al., On the (in)fidelity and sensitivity of"
        " explanations, NeurIPS 2019; Rao et al., Towards better understanding attribution methods,"
        " CVPR 2022"
    )

    metric: Annotated[str, OneOf(_CHOICES)] = parameter(
        "relevance-gain",
        "Metric",
        "What is measured; all takes several maps of each method for an image.",
    )
    order: Literal["superpixels", "blocks"] = parameter(
        "superpixels", "Parts", "What is put in and taken out: SLIC superpixels, or square blocks."
    )
    parts: int = parameter(
        100,
        "Number of parts",
        "About how many parts an image has; 25, 100, 500 and 5000 are usual.",
        ge=4,
        le=100_000,
    )
    fill: Literal["blur", "mean", "black", "grey", "inpaint", "histogram"] = parameter(
        "blur",
        "Fill",
        "What is there without a part: the blurred image, the mean colour, black, grey, OpenCV's"
        " inpainting, or a colour drawn from the image for each part.",
    )
    sigma: float = parameter(
        10.0, "Blur", "Standard deviation of the blur.", unit="pixels", step=0.5, ge=0.5, le=100
    )
    curve_steps: int = parameter(
        28, "Steps", "In how many steps parts are put in and taken out.", ge=1, le=1000
    )
    share: float = parameter(
        0.3, "Kept", "How much of the image is kept for top-classes.", step=0.05, ge=0.01, le=1
    )
    top: int = parameter(5, "Top classes", "How many of the likeliest are compared.", ge=1, le=100)
    samples: int = parameter(
        5, "Noisy images", "How many for max-sensitivity, of each image.", ge=1, le=1000
    )
    radius: float = parameter(
        0.02, "Noise", "Its largest size, of the range of pixels.", step=0.01, ge=0.001, le=1
    )
    cells: int = parameter(
        2, "Cells", "Images along a side of a grid, for grid-pg and difull.", ge=2, le=6
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same table.", ge=0, le=2**32 - 1)

    def effort(self) -> str:
        """How many maps, by metric."""
        settings = self._settings()
        chosen = [m for name, m in FIDELITY_METRICS.items() if self.metric in (ALL, name)]
        asked = {metric.subjects: metric for metric in chosen}
        maps = sum(metric.maps(settings) // metric.images(settings) for metric in asked.values())
        grids = f", some of them of {self.cells}×{self.cells} images"
        grids = grids if any(metric.images(settings) > 1 for metric in chosen) else ""
        count = "A map" if maps == 1 else f"{maps} maps"
        return f"{count} of each method for each of up to {self.images} images{grids}."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image after the other by all methods, and measure the maps."""
        from pda_studio.experiments.fidelity import fidelity_over_images

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        chosen = [m for name, m in FIDELITY_METRICS.items() if self.metric in (ALL, name)]
        steps = fidelity_over_images(
            classifier,
            self.subjects(inputs, classifier),
            inputs.methods(classifier),
            chosen,
            self._settings(),
        )
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, found.images))
        )

    def folder_maps(self, inputs: Inputs) -> Generator[MapStep, None, list[FolderMaps]]:
        """A map of each image by each method, where a metric looks at the images as they are."""
        chosen = [m for name, m in FIDELITY_METRICS.items() if self.metric in (ALL, name)]
        if any(metric.subjects in ("image", "perturbed") for metric in chosen):
            return (yield from super().folder_maps(inputs))
        return []

    def _settings(self) -> MetricSettings:
        given = {"order", "parts", "fill", "sigma", "share", "top", "samples", "radius", "cells"}
        values = {name: getattr(self, name) for name in given}
        return MetricSettings(**values, steps=self.curve_steps, seed=self.seed)

    def _result(self, found: Fidelities, measured_on: dict[str, Any]) -> StudyResult | None:
        from pda_studio.experiments.fidelity_figure import draw_fidelity

        if not found.measured:
            return None
        told = {
            one.metric.name: f"{one.metric.summary}; {one.metric.citation}"
            for one in found.measured
        }
        return StudyResult(
            sentence=_sentence(found),
            table=Table(_COLUMNS, [row for one in found.measured for row in _rows(one)], "metric"),
            draw=lambda: draw_fidelity(found.measured),
            notes=[
                "intervals by bootstrap over cases, those of leads by pairs; p by a paired"
                " permutation test, corrected for all pairs (Benjamini–Hochberg): ranks that differ"
                " by no more than chance, from p = 0.05 on, are tied",
                *_few(found),
                *_meaning(found),
                *found.notes,
            ],
            about={**measured_on, "metrics": told},
        )


def _rows(one: Measured) -> list[list[Cell]]:
    ranking = one.ranking()
    ranks = {known.place: rank for rank, known in enumerate(ranking, 1)}
    rows: list[list[Cell]] = []
    for rank, known in enumerate(ranking, 1):
        name = one.names[known.place]
        numbers = (known.mean, known.low, known.high, known.lead, known.lead_low, known.lead_high)
        tied = _spans(sorted(ranks[place] for place in known.tied))
        rows.append(
            [
                one.metric.name,
                rank,
                name,
                known.count,
                *(_written(value) for value in numbers),
                _written(known.p),
                tied,
                "yes" if name in one.optimise else "",
            ]
        )
    return rows


def _meaning(found: Fidelities) -> list[str]:
    """What a metric is; of several, which ones are better where they are lower."""
    if len(found.measured) == 1:
        metric = found.measured[0].metric
        better = "higher" if metric.higher_is_better else "lower"
        return [f"{metric.name}: {metric.summary} ({better} is better); {metric.citation}"]
    lower = [one.metric.name for one in found.measured if not one.metric.higher_is_better]
    return [
        f"lower is better: {', '.join(lower) or 'none'}; a study of one metric alone says what it"
        " is"
    ]


def _few(found: Fidelities) -> list[str]:
    """Which metrics have too few cases for any difference to be more than chance."""
    names = [one.metric.name for one in found.measured if len(one.values) < _FEWEST]
    return [f"{', '.join(names)}: fewer than {_FEWEST} cases tell no difference"] if names else []


def _sentence(found: Fidelities) -> str:
    from pda_studio.experiments.fidelity import AT_RANDOM

    if len(found.measured) == 1:
        (one,) = found.measured
        ranking = one.ranking()
        best = ranking[0]
        unit = "grid" if one.metric.subjects in ("grid", "disconnected") else "image"
        over = f"over {counted(best.count, unit)}"
        mean = written(best.mean, ".3f")
        text = f"{one.names[best.place]} is best by {one.metric.title} {over} ({mean})"
        tied = [one.names[place] for place in best.tied]
        if best.count < _FEWEST:
            text += ", too few to tell a difference"
        elif len(tied) > _NAMED:
            text += f"; {len(tied)} others differ from it by no more than chance"
        elif tied:
            text += f"; {' and '.join(tied)} differ{'s' if len(tied) == 1 else ''} from it by no"
            text += " more than chance"
        elif len(ranking) > 1:
            text += ", and all others are worse by more than chance"
        if one.names[best.place] in one.optimise:
            text += "; but it optimises this metric"
        return f"{text}.".replace("(-", "(−")
    enough = [one for one in found.measured if len(one.values) >= _FEWEST] or found.measured
    cases = max(len(one.values) for one in enough)
    over = f"over {counted(cases, 'image')}"
    wins: dict[str, int] = {}
    for one in enough:
        best = one.ranking()[0]
        for place in (best.place, *best.tied):
            wins[one.names[place]] = wins.get(one.names[place], 0) + 1
    names = dict.fromkeys(name for one in found.measured for name in one.names)
    told = ", ".join(
        f"{name} by {wins.get(name, 0)}"
        for name in sorted(names, key=lambda name: -wins.get(name, 0))
        if name != AT_RANDOM
    )
    return f"Of {len(enough)} metrics {over}, best or not told from the best: {told}."


def _spans(numbers: Sequence[int]) -> str:
    """Whole numbers in order, as in “1–3, 5”."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)


def _written(value: float) -> Cell:
    return None if value != value else round(value, 4)

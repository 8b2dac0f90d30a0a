"""The study of class rules: which parts of images make a class, and which occur together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import counted, written
from pda_studio.parameters import parameter
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.class_images import OverClassImages

if TYPE_CHECKING:
    from pda_studio.experiments.class_rules import ClassRules

_P = 0.05
_FEW = 8  # images: of fewer, hardly any pair can have a p below
_TOLD = 4  # clusters that the sentence names


class RulesOfAClass(OverClassImages):
    """Clusters of the strongest patches, how often each counts, and with which others."""

    name: ClassVar[str] = "class-rules"
    title: ClassVar[str] = "Rules of a class"
    summary: ClassVar[str] = (
        "Which kinds of patches speak for a class over all its images, how often and how strongly,"
        " which occur together, and which count where another is missing."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, outlook; Zintgraf"
        " et al., Visualizing deep neural network decisions: prediction difference analysis, ICLR"
        " 2017, outlook"
    )

    at: str = parameter(
        "auto",
        "Layer",
        "Whose activations say which patches are alike: its name, or auto for the last one with"
        " maps of features.",
    )
    side: int = parameter(
        0,
        "Patch",
        "Side of a patch; 0 takes a sixth of the model input.",
        unit="pixels",
        ge=0,
        le=512,
    )
    each: int = parameter(
        12, "Patches", "How many of an image at most; no two overlap.", unit="patches", ge=1, le=30
    )
    least: float = parameter(
        0.25,
        "Least",
        "Which part of its strongest patch's evidence another patch of an image has at least.",
        step=0.05,
        ge=0,
        le=1,
    )
    clusters: int = parameter(
        0, "Clusters", "How many; 0 takes as many as have the largest silhouette.", ge=0, le=26
    )
    most: int = parameter(
        8, "Most clusters", "How many there may be, where the silhouette says it.", ge=2, le=26
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same clusters.", ge=0, le=2**31)

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image of the class after the other, and cluster their patches."""
        from pda_studio.experiments.class_rules import Patches, class_rules

        patches = Patches(
            self.at, self.side, self.each, self.least, self.clusters, self.most, self.seed
        )
        yield from self.carried_out(inputs, class_rules, patches)

    def result(self, found: ClassRules, method: str, measured_on: dict[str, Any]) -> StudyResult:
        """Kinds of patches, pairs of kinds, and the clearest rules."""
        from pda_studio.experiments.class_rules_figure import draw_class_rules

        columns = [
            Column("rule", "rule"),
            Column("kind", "patches"),
            Column("images", "images", "count"),
            Column("share", "share", "share"),
            Column("evidence", f"evidence ({found.unit})", "number"),
            Column("otherwise", "otherwise", "number"),
            Column("lift", "lift", "number"),
            Column("p", "p", "error"),
        ]
        return StudyResult(
            sentence=_sentence(found),
            table=Table(columns, _rows(found), group="rule"),
            draw=lambda: draw_class_rules(found),
            notes=[
                f"maps of {method}; up to {self.each} patches of {found.side} × {found.side} pixels"
                f" of an image, each with {self.least:.2g} of its strongest one's evidence at"
                f" least; clusters by k-means of {found.layer}, mean silhouette"
                f" {written(found.silhouette)}",
                "lift: how much more often two occur together than if they were independent"
                " (Fisher); without: mean evidence in an image without the other one, and otherwise"
                " with it (Mann–Whitney); p: adjusted for all pairs by Benjamini & Hochberg",
                *(
                    [
                        f"{found.full} images have the {self.each} patches that are taken at most:"
                        " there one kind leaves less room for others, and lifts below 1 can come"
                        " of that alone"
                    ]
                    if found.full
                    else []
                ),
            ],
            about={**measured_on, "class": found.of.name, "method": method, "layer": found.layer},
            images=[image.path for image in found.of.images],
        )


def _rows(found: ClassRules) -> list[list[Cell]]:
    count = len(found.of.images)
    rows: list[list[Cell]] = [
        ["counts", one.name, one.images, one.images / count, _short(one.evidence), None, None, None]
        for one in found.clusters
    ]
    rows += [
        [
            "together", f"{one.first} and {one.other}", one.images, one.images / count, None, None,
            _short(one.lift), _short(one.p),
        ]
        for one in found.together
    ]  # fmt: skip
    rows += [
        [
            "without", f"{one.kind} without {one.missing}", one.images, one.images / count,
            _short(one.absent), _short(one.present), None, _short(one.p),
        ]
        for one in found.without
    ]  # fmt: skip
    return rows


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _sentence(found: ClassRules) -> str:
    """What counts, and the clearest rules, if any are hardly by accident."""
    count = len(found.of.images)
    images = counted(count, "image")
    told = ", ".join(
        f"{one.name} in {_percent(one.images / count)}" for one in found.clusters[:_TOLD]
    )
    kinds = counted(len(found.clusters), "kind")
    text = f"In {images} of “{found.of.name}”, {kinds} of patches count: {told}"
    if len(found.clusters) > _TOLD:
        text += f" and {len(found.clusters) - _TOLD} more"
    rules = []
    more = next((one for one in found.together if one.lift > 1 and one.p < _P), None)
    fewer = next((one for one in found.together if one.lift < 1 and one.p < _P), None)
    instead = next((one for one in found.without if one.absent > one.present and one.p < _P), None)
    if more:
        rules.append(f"{more.first} and {more.other} occur together (lift {written(more.lift)})")
    if fewer:
        rules.append(f"{fewer.first} and {fewer.other} seldom do (lift {written(fewer.lift)})")
    if instead:
        rules.append(
            f"{instead.kind} counts more where {instead.missing} is missing"
            f" ({instead.absent:.2g} against {instead.present:.2g} {found.unit})"
        )
    if not rules:
        few = f": {count} images are too few to tell" if count < _FEW else ""
        rules = [f"no rule between them is significant{few}"]
    return f"{text}; {'; '.join(rules)}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

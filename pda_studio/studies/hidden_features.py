"""The study of hidden features: what a target loses without each map or place of a layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.parameters import parameter, same_but
from pda_studio.pda.options import AUTO
from pda_studio.studies.base import Cell, Column, Inputs, Need, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, mean_with_ends, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.hidden_features import HiddenFeatures as Found

_UNKNOWN = (float("nan"), float("nan"))


class HiddenFeatures(OverImages):
    """Removes the maps, units or windows of a hidden layer, one by one."""

    name: ClassVar[str] = "hidden-features"
    title: ClassVar[str] = "Hidden features removed"
    summary: ClassVar[str] = (
        "What a class, or a later unit, loses when one map, unit or window of a hidden layer is"
        " replaced by what the layer's own statistics let expect."
    )
    citation: ClassVar[str] = (
        "Zintgraf et al., Visualizing deep neural network decisions: prediction difference"
        " analysis, ICLR 2017, Section 3.3"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"images"})

    at: str = parameter(
        AUTO,
        "Layer",
        "The layer whose values are removed: its name, or auto for the last one with maps.",
    )
    remove: Literal["maps", "windows"] = parameter(
        "maps",
        "Remove",
        "Each map with all its places, or each unit of a layer without any (maps); or windows of"
        " places of all maps.",
    )
    window: int = parameter(
        3, "Window", "Side of the windows, in places of the layer.", unit="places", ge=1, le=64
    )
    stride: int = parameter(1, "Stride", "Steps between windows.", unit="places", ge=1, le=64)
    infill: Literal["conditional", "marginal"] = parameter(
        "conditional",
        "Infill",
        "From a Gaussian of the layer's values given the other maps at the same place, or the"
        " places around a window (conditional); or given nothing (marginal).",
    )
    samples: int = parameter(
        10,
        "Samples",
        "Infills of each map or window; 0 takes the mean of the distribution.",
        unit="infills",
        ge=0,
        le=1000,
    )
    reference: Path | None = parameter(
        None,
        "Statistics folder",
        "Images that the layer's statistics come from; without a folder, those that are explained,"
        " or the places of a single one.",
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same samples.", ge=0, le=2**31)
    images: int = same_but(OverImages, "images", 10)

    def effort(self) -> str:
        """A pass of the upper layers for each sample."""
        what = "map" if self.remove == "maps" else "window"
        count = f"{self.samples} infills" if self.samples > 1 else "one infill"
        return (
            f"{count.capitalize()} of each {what} for {self.how_many()}, scored by what lies"
            " behind the layer; finished images are found."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image after the other."""
        from pda_studio.experiments.hidden_features import (
            Removal,
            hidden_features_over_images,
            reference_of,
        )

        classifier = inputs.classifier()
        subjects = self.subjects(inputs, classifier)
        removal = Removal(
            self.at,
            self.remove,
            self.window,
            self.stride,
            self.infill,
            self.samples,
            self.seed,
        )
        reference = reference_of(self.reference, subjects, classifier)
        steps = hidden_features_over_images(classifier, subjects, removal, reference)
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, len(found.each)))
        )

    def _result(self, found: Found, measured_on: dict[str, Any]) -> StudyResult | None:
        import numpy as np

        from pda_studio.experiments.hidden_figure import draw_hidden_features

        if not found.each:
            return None
        rows, ends = self._rows(found)
        first = found.each[0]
        where = [Column("map", "map", "count")]
        if first.grid is not None:
            where = [Column("row", "row", "count"), Column("column", "column", "count")]
        columns = [
            *where,
            Column("images", "images", "count"),
            Column("evidence", f"evidence ({first.unit})", "correlation"),
            Column("low", "95 % from", "correlation"),
            Column("high", "to", "correlation"),
            Column("error", "sampling error", "correlation"),
            Column("activity", "mean activation", "correlation"),
        ]
        statistics = found.statistics
        source = "the image’s own places" if statistics is None else f"{statistics.images} images"
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(columns, rows),
            draw=lambda: draw_hidden_features(found, np.array(ends, np.float64)),
            notes=[
                "evidence: the target’s log-odds (bits) or activation, less what is left with"
                f" {found.layer} infilled, mean over images, with its 95 % interval by Student’s t;"
                f" infills from a {self.infill} Gaussian fitted to {source}, within the range of"
                " its values",
            ],
            about={**measured_on, "layer": found.layer, "target": first.target},
        )

    def _rows(self, found: Found) -> tuple[list[list[Cell]], list[tuple[float, float]]]:
        """The table, and the ends of the intervals."""
        import numpy as np

        grid = found.each[0].grid
        rows: list[list[Cell]] = []
        ends = []
        for at in range(len(found.mean)):
            mean, low, high = mean_with_ends([float(one.evidence[at]) for one in found.each])
            error = np.mean([one.error[at] ** 2 for one in found.each]) / len(found.each)
            where: list[Cell] = [at]
            part: Any = np.s_[at]
            if grid is not None:
                top, left = grid.corners[at].tolist()
                where = [top, left]
                part = np.s_[:, top : top + grid.window, left : left + grid.window]
            activity = np.mean([one.values[part].mean() for one in found.each])
            activity = round(float(activity), 5)
            rows.append(
                [*where, len(found.each), mean, low, high, round(float(error**0.5), 5), activity]
            )
            ends.append((low, high) if low is not None and high is not None else _UNKNOWN)
        return rows, ends

    def _sentence(self, found: Found) -> str:
        mean, first = found.mean, found.each[0]
        count = len(found.each)
        images = "In one image" if count == 1 else f"Over {count} images"
        target = first.target if count == 1 else "the likeliest class"
        most, least = int(mean.argmax()), int(mean.argmin())

        def named(at: int) -> str:
            if first.grid is None:
                return f"{'map' if first.values[0].size > 1 else 'unit'} {at}"
            top, left = first.grid.corners[at].tolist()
            return f"the window at row {top}, column {left}"

        half = found.share_of_half()
        if not half:
            return f"{images}, nothing of {found.layer} speaks for {target}."
        kind = "maps" if first.grid is None and first.values[0].size > 1 else "units"
        kind = kind if first.grid is None else "windows"
        text = (
            f"{images}, {named(most)} of {found.layer} speaks most for {target}"
            f" ({mean[most]:.2g} {first.unit})"
        )
        if mean[least] < 0:
            text += f", {named(least)} most against it (−{-mean[least]:.2g})"
        return f"{text}; half of what speaks for it lies in {half} of {len(mean)} {kind}."

"""The study of all digits: original against efficient PDA, trained against untrained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import written
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
from pda_studio.studies.over_images import about, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.handwritten import Digits

_COLUMNS = (
    Column("digit", "class"),
    Column("image", "image"),
    Column("network", "network"),
    Column("probability", "probability", "share"),
    Column("evidence", "most evidence (bits)", "number"),
    Column("methods", "ρ, original and efficient", "correlation"),
    Column("networks", "ρ, trained and untrained", "correlation"),
)


class AllDigits(Study):
    """One image of every class, explained by original and efficient PDA, trained and not."""

    name: ClassVar[str] = "all-digits"
    title: ClassVar[str] = "All ten digits"
    summary: ClassVar[str] = (
        "Maps of one image of each class by original and efficient prediction difference analysis,"
        " of the trained network and of one with random weights."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, Fig. 13"
    needs: ClassVar[frozenset[Need]] = frozenset()

    folder: Path = parameter(
        ...,
        "Image folder",
        "Images of digits, or of any classes: the first that is predicted as each class is taken.",
    )
    window: int = parameter(
        4, "Window", "Side of the windows; 4 in the paper.", unit="pixels", ge=1, le=63
    )
    stride: int = parameter(
        1, "Stride", "Step from window to window; 1 in the paper.", unit="pixels", ge=1, le=63
    )
    samples: int = parameter(
        10, "Samples", "How many marginal samples a window gets.", unit="infills", ge=1, le=1000
    )
    seed: int = parameter(
        0, "Seed", "Of the samples, and of the untrained weights.", ge=0, le=2**31
    )

    def effort(self) -> str:
        """Four maps of each class."""
        return "Four maps of each class; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Find an image of each class, then explain them."""
        from pda_studio.experiments.handwritten import digits_over_classes
        from pda_studio.experiments.map_work import subjects_of
        from pda_studio.methods import method_named

        classifier = inputs.classifier()
        images = subjects_of(self.folder, None, classifier, inputs.read)
        sizes = {"window": self.window, "stride": min(self.stride, self.window), **REPEATABLE}
        methods = [
            method_named("original-pda").create(
                classifier,
                **sizes,
                infill="marginal-samples",
                samples=self.samples,
                seed=self.seed,
            ),
            method_named("efficient-pda").create(classifier, **sizes, infill="marginal-mean"),
        ]
        steps = digits_over_classes(classifier, images, methods, seed=self.seed)  # type: ignore[arg-type]
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, len(found.each)))
        )

    def _result(self, found: Digits, measured_on: dict[str, Any]) -> StudyResult | None:
        from pda_studio.experiments.handwritten_figure import draw_digits

        if not found.each:
            return None
        notes = [
            "ρ: Spearman’s correlation of the maps; marginal samples and the marginal mean as"
            f" infills, windows of {self.window}×{self.window} pixels; untrained: all layers’"
            " weights as a new network has them, the same class explained",
        ]
        if found.missing:
            notes.append(f"No image was predicted as {', '.join(found.missing)}.")
        return StudyResult(
            sentence=_sentence(found),
            table=Table(_COLUMNS, _rows(found), group="digit"),
            draw=lambda: draw_digits(found),
            notes=notes,
            about=measured_on,
        )


def _rows(found: Digits) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for one in found.each:
        for network, maps in one.maps.items():
            efficient = maps[-1]
            rows.append(
                [
                    one.digit,
                    one.image,
                    network,
                    round(float(efficient.probabilities[efficient.index]), 6),
                    round(float(efficient.evidence.max()), 5),
                    significant(one.between_methods(network).spearman),
                    significant(one.between_networks(1).spearman),
                ]
            )
    return rows


def _sentence(found: Digits) -> str:
    from pda_studio.experiments.handwritten import TRAINED, UNTRAINED

    count = len(found.each)
    of_methods = [
        mean_with_interval([one.between_methods(network).spearman for one in found.each])[0]
        for network in (TRAINED, UNTRAINED)
    ]
    of_networks = mean_with_interval([one.between_networks(1).spearman for one in found.each])[0]
    words = [
        written(mean) if isinstance(mean, float) else "unknown"
        for mean in (*of_methods, of_networks)
    ]
    return (
        f"Over {count} class{'' if count == 1 else 'es'}, maps of original and efficient PDA"
        f" correlate by ρ = {words[0]} for the trained network and {words[1]} for the untrained"
        f" one, and those of both networks by {words[2]}."
    )

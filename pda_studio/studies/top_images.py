"""The study of top images: what excites a hidden unit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Column, Inputs, Need, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.top_images import TopImages


class TopImagesOfAUnit(OverImages):
    """The images of a folder that a unit answers to most, beside one that is made for it."""

    name: ClassVar[str] = "top-images"
    title: ClassVar[str] = "Top images of a unit"
    summary: ClassVar[str] = (
        "Which images of a folder excite a unit of a hidden layer most, what it sees of them, and"
        " an image that is made for it."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, Fig. 3; Zeiler &"
        " Fergus, Visualizing and understanding convolutional networks, ECCV 2014; Simonyan et al.,"
        " Deep inside convolutional networks, 2013"
    )
    needs: ClassVar[frozenset[Need]] = frozenset()

    folder: Path = parameter(..., "Image folder", "Images, also in folders below it.")
    images: int = same_but(OverImages, "images", 100)
    at: str = parameter(
        "auto", "Layer", "The unit's layer: its name, or auto for the last one with maps."
    )
    map: int = parameter(
        -1,
        "Map",
        "Which map of the layer; −1 takes the one that is strongest in the first image.",
        ge=-1,
        le=100_000,
    )
    top: int = parameter(9, "Top", "How many images are shown.", unit="images", ge=1, le=50)
    climb: int = parameter(
        200,
        "Steps",
        "Of activation maximisation, which makes an image for the unit; 0 makes none.",
        ge=0,
        le=10_000,
    )
    seed: int = parameter(0, "Seed", "The same seed makes the same image.", ge=0, le=2**31)

    def effort(self) -> str:
        """A pass for each image, and a climb."""
        made = f", then {self.climb} steps for an image" if self.climb else ""
        return f"One forward pass for each of up to {self.images} images{made}."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Look at one image after the other."""
        from pda_studio.experiments.top_images import top_images

        classifier = inputs.classifier()
        steps = top_images(
            classifier,
            self.subjects(inputs, classifier),
            self.at,
            self.map,
            most=self.top,
            climb=self.climb,
            seed=self.seed,
        )
        yield from streamed(
            steps, lambda found: self._result(found, about(classifier, found.count))
        )

    def _result(self, found: TopImages, measured_on: dict[str, Any]) -> StudyResult:
        from pda_studio.experiments.top_images import draw_top_images

        columns = [
            Column("image", "image"),
            Column("activation", "activation", "number"),
            Column("row", "row of the map", "count"),
            Column("column", "column", "count"),
        ]
        rows = [
            (one.name, float(f"{one.activation:.4g}"), one.row, one.column) for one in found.top
        ]
        unit = f"map {found.unit} of {found.layer}"
        first = found.top[0] if found.top else None
        sentence = f"No image was looked at for {unit}."
        if first is not None:
            sentence = (
                f"Of {found.count} images, {first.name} excites {unit} most"
                f" ({first.activation:.3g}); the weakest of the {len(found.top)} shown by"
                f" {found.top[-1].activation:.3g}."
            )
        return StudyResult(
            sentence=sentence,
            table=Table(columns, rows),
            draw=lambda: draw_top_images(found),
            notes=[
                "activation: the largest of the map; the frame is all that this place depends on"
            ],
            about={**measured_on, "layer": found.layer, "map": found.unit},
        )

"""The study of edges: how much of a map is what an edge detector finds in the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.counts import counted, written
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, known, streamed
from pda_studio.studies.randomisation import Randomisations
from pda_studio.studies.similarities import means_of_methods

if TYPE_CHECKING:
    from pda_studio.experiments.edges import Edges

_COLUMNS = (
    Column("method", "method"),
    Column("images", "images", "count"),
    Column("edges", "ρ with edges", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("random_edges", "random weights, ρ with edges", "correlation"),
    Column("networks", "ρ of both networks", "correlation"),
    Column("rest", "without edges", "correlation"),
)
_ALIKE = 0.5


class EdgesInMaps(OverImages):
    """Maps of the trained network and of one of random weights, against the image's edges."""

    name: ClassVar[str] = "edges"
    title: ClassVar[str] = "Edges in maps"
    summary: ClassVar[str] = (
        "How far maps follow the image's edges, by the trained network and by one of random"
        " weights, and whether edges are why maps of the two look alike."
    )
    citation: ClassVar[str] = (
        "Nie, Towards explaining gradient-based visualizations in deep neural networks, 2017;"
        " Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018"
    )

    images: int = same_but(OverImages, "images", 10)
    detector: Literal["sobel", "canny"] = parameter(
        "sobel", "Edges", "How strong they are (Sobel's filter), or where they are (Canny's)."
    )
    sigma: float = parameter(
        1.0,
        "Smoothing",
        "Standard deviation of the Gaussian before Canny's detector.",
        unit="pixels",
        step=0.5,
        ge=0.1,
        le=20,
    )
    how: Literal["re-initialise", "shuffle"] = same_but(Randomisations, "how", "re-initialise")
    seed: int = parameter(0, "Seed", "The same seed gives the same weights.", ge=0, le=2**32 - 1)

    def effort(self) -> str:
        """Two maps of each method for each image."""
        return f"2 maps of each method for {self.how_many()}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image after another by both networks."""
        from pda_studio.experiments.edges import edges_over_images

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        subjects = self.subjects(inputs, classifier)
        steps = edges_over_images(
            classifier,
            subjects,
            inputs.methods(classifier),
            detector=self.detector,
            sigma=self.sigma,
            how=self.how,
            seed=self.seed,
        )
        measured_on = about(classifier, len(subjects))
        yield from streamed(steps, lambda found: _result(found, measured_on))


def _result(found: Edges, measured_on: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.edges_figure import draw_edges

    if not found.each:
        return None
    return StudyResult(
        sentence=_sentence(found),
        table=Table(_COLUMNS, _rows(found)),
        draw=lambda: draw_edges(found, lambda name: means_of_methods(found.each, name)),
        notes=[
            "ρ: Spearman’s correlation of the size of evidence, whatever its sign, over pixels;"
            " the mean over images, with its 95 % interval by Student’s t; 0: nothing in common",
            "both networks: the trained one’s map and that of random weights in all layers; without"
            " edges: the same less what both share with the edges (partial correlation)",
            "random weights can leave a map the same everywhere, of which no ρ is known; trained"
            " ones in random order (shuffle) do so less; in the figure maps end at their percentile"
            " 99",
        ],
        about=measured_on,
    )


def _rows(found: Edges) -> list[list[Cell]]:
    trained, random, networks, rest = (
        means_of_methods(found.each, name) for name in ("trained", "random", "networks", "rest")
    )
    return [
        [
            method,
            known([one[place].trained for one in found.each]),
            *trained[place],
            random[place][0],
            networks[place][0],
            rest[place][0],
        ]
        for place, method in enumerate(found.methods)
    ]


def _sentence(found: Edges) -> str:
    """Whose maps follow edges most, and whether that is why random weights give like maps."""
    rows = _rows(found)
    order = sorted(rows, key=lambda row: -float(row[2] or 0))
    most, least = order[0], order[-1]
    text = (
        f"Over {counted(len(found.each), 'image')}, maps of {most[0]} follow the image’s edges by"
        f" ρ = {written(float(most[2] or 0))}"
    )
    if len(order) > 1:
        text += f", most of all, and those of {least[0]} by {written(float(least[2] or 0))}"
    alike = max(rows, key=lambda row: float(row[6] or 0))
    both, rest = float(alike[6] or 0), float(alike[7] or 0)
    whose = f"those of {alike[0]} stay" if len(rows) > 1 else "they stay"
    most_of_all = ", most of all," if len(rows) > 1 else ""
    text += (
        f"; with random weights {whose} alike by ρ = {written(both)}{most_of_all} and by"
        f" {written(rest)} where edges are taken out"
    )
    if both >= _ALIKE:
        text += ": edges are " + ("most of it" if rest < both / 2 else "not all of it")
    return f"{text}."

"""The study of random weights: whether maps depend on what the network has learnt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.counts import written
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, streamed
from pda_studio.studies.similarities import COLUMNS, cells_of_methods, means_of_methods

if TYPE_CHECKING:
    from pda_studio.experiments.randomisation import Randomisation
    from pda_studio.metrics.similarity import Similarity

_COLUMNS = (
    Column("compared", "compared with"),
    Column("layers", "random layers", "count"),
    *COLUMNS,
)
_ALIKE = 0.5
INDEPENDENT = "independent map, as smooth"
"""What stands in the table for a map that has nothing in common with the trained network's."""


class Randomisations(OverImages):
    """Maps of a network whose weights become random, and of other classes, against the map."""

    name: ClassVar[str] = "random-weights"
    title: ClassVar[str] = "Do the weights matter?"
    summary: ClassVar[str] = (
        "Whether maps change when the network's weights are made random, from the top layer down,"
        " and when another class is explained."
    )
    citation: ClassVar[str] = (
        "Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018; Nie et al., A theoretical"
        " explanation for perplexing behaviors of backpropagation-based visualizations, ICML 2018"
    )

    images: int = same_but(OverImages, "images", 5)
    which: Literal["cascading", "independent", "all"] = parameter(
        "cascading",
        "Random layers",
        "All from the top down to each of some layers (cascading), each of these alone"
        " (independent), or all layers at once.",
    )
    how: Literal["re-initialise", "shuffle"] = parameter(
        "re-initialise",
        "Weights",
        "As a new network has them, or the trained ones of each layer in random order, which keeps"
        " their size.",
    )
    depths: int = parameter(6, "Depths", "How many random networks at most.", ge=1, le=200)
    seed: int = parameter(0, "Seed", "The same seed gives the same weights.", ge=0, le=2**32 - 1)

    def effort(self) -> str:
        """A map for each image, network, class and method."""
        count = 3 + (1 if self.which == "all" else self.depths)
        return f"{count} maps of each method for {self.how_many()}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain all images by the trained network, then by one random network after another."""
        from pda_studio.experiments.randomisation import randomisation_over_images

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        subjects = self.subjects(inputs, classifier)
        steps = randomisation_over_images(
            classifier,
            subjects,
            inputs.methods(classifier),
            which=self.which,
            how=self.how,
            depths=self.depths,
            seed=self.seed,
        )
        yield from streamed(steps, lambda found: _result(found, about(classifier, len(subjects))))


def _result(found: Randomisation, measured_on: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.randomisation_figure import draw_randomisation

    if not found.known:
        return None
    return StudyResult(
        sentence=_sentence(found),
        table=Table(_COLUMNS, _rows(found), group="compared"),
        draw=lambda: draw_randomisation(found, means_of_methods),
        notes=[
            "Each map against the trained network’s map of the explained class: Spearman’s ρ of the"
            " evidence, with its 95 % interval over images by Student’s t, and of its size; SSIM"
            " and Pearson’s r of histograms of oriented gradients (HOG) by scikit-image. 1: the"
            " same",
            "independent map: the trained map’s values, but for zeros at random places, about as"
            " smooth (random phases of its spectrum). This is what nothing in common looks like:"
            " about 0 for ρ, but more for SSIM of maps that are nearly 0 nearly everywhere, and for"
            " HOG and ρ of size where both are blank; in the figure a dotted line of the method’s"
            " colour",
            "images: those of which ρ is known; random weights can leave a map the same everywhere,"
            " trained ones in random order (shuffle) do so less",
            "ρ of size is high wherever maps follow the drawing, as over an empty background; a"
            " method that explains the network changes with its weights, one that explains the"
            " class with the class",
        ],
        about=measured_on,
    )


def _rows(found: Randomisation) -> list[list[Cell]]:
    parts: list[tuple[str, int, list[list[Similarity]]]] = []
    for name, of_class in (found.by_class or {}).items():
        parts.append((f"trained network, {name}", 0, of_class))
    for told, of_range in found.known:
        only = "only " if told.count == 1 and told.lowest > 1 else "down to "
        head = f"random weights {only}{told.layer} ({told.lowest} of {told.total} layers)"
        parts.append((head, told.count, of_range))
    if found.of_independent:
        parts.append((INDEPENDENT, 0, list(found.of_independent)))
    return [
        [head, layers, *cells]
        for head, layers, each in parts
        for cells in cells_of_methods(found.methods, each)
    ]


def _sentence(found: Randomisation) -> str:
    """Which methods hardly depend on the weights, and which hardly on the class."""
    told, rows = found.known[-1]
    strength = [float(one[0] or 0) for one in means_of_methods(rows, "spearman")]
    order = sorted(range(len(strength)), key=lambda place: -abs(strength[place]))
    most, least = order[0], order[-1]
    layers = "the only layer" if told.total == 1 else f"{told.count} of {told.total} layers"
    sentence = f"With random weights in {layers}, maps of {found.methods[most]} still resemble the"
    sentence += f" trained network’s by ρ = {written(strength[most])}"
    if len(order) > 1:
        sentence += (
            f", most of all, and those of {found.methods[least]} by {written(strength[least])}"
        )
    alike = [found.methods[place] for place in order if abs(strength[place]) >= _ALIKE]
    if alike:
        sentence += f": {', '.join(alike)} hardly depend{'s' * (len(alike) == 1)} on the weights"
    for name, each in (found.by_class or {}).items():
        same = [
            method
            for method, one in zip(found.methods, means_of_methods(each, "spearman"), strict=False)
            if float(one[0] or 0) >= _ALIKE
        ]
        if same and name.startswith("least"):
            sentence += f"; of the {name}, maps of {', '.join(same)} are nearly the same"
    return f"{sentence}."

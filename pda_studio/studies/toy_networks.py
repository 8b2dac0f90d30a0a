"""The study of toy networks: what networks that have learnt nothing show of an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import written
from pda_studio.errors import UsageError
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    StudyProgress,
    StudyResult,
    Table,
)
from pda_studio.studies.over_images import OverImages, about, mean_with_interval, streamed

if TYPE_CHECKING:
    from pda_studio.experiments.toy_networks import Kind, Recoveries, Rule

_COLUMNS = (
    Column("network", "network"),
    Column("width", "filters or units", "count"),
    Column("method", "method"),
    Column("maps", "maps", "count"),
    Column("image", "r with the image", "correlation"),
    Column("low", "95 % from", "correlation"),
    Column("high", "to", "correlation"),
    Column("theory", "r with Eq. 5", "correlation"),
    Column("logits", "r of two logits", "correlation"),
)


class ToyNetworks(OverImages):
    """Three-layer networks of random weights, of growing width, and their gradients' maps."""

    name: ClassVar[str] = "toy-networks"
    title: ClassVar[str] = "Toy networks"
    summary: ClassVar[str] = (
        "How much of the image gradient methods show of networks that have learnt nothing: with"
        " ever more filters, with max-pooling, and fully connected."
    )
    citation: ClassVar[str] = (
        "Nie, Towards explaining gradient-based visualizations in deep neural networks, 2017,"
        " Figs. 2–4; Nie et al., A theoretical explanation for perplexing behaviors of"
        " backpropagation-based visualizations, ICML 2018"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"images"})

    images: int = same_but(OverImages, "images", 5)
    filters: int = parameter(
        256,
        "Filters",
        "Most filters of the convolutional networks; the others have halves of it, down to 16.",
        ge=2,
        le=1024,
    )
    units: int = parameter(
        4096,
        "Hidden units",
        "Most hidden units of the fully connected networks, which get the image in 64 × 64 pixels;"
        " the others have quarters of it, down to 16.",
        ge=2,
        le=131_072,
    )
    kernel: int = parameter(
        7, "Filter size", "Side of the filters.", unit="pixels", step=2, ge=1, le=31
    )
    repeats: int = parameter(3, "Repeats", "Networks of each kind and width.", ge=1, le=100)
    seed: int = parameter(0, "Seed", "The same seed gives the same weights.", ge=0, le=2**31)

    def effort(self) -> str:
        """Networks, of which each is small."""
        count = self.repeats * (2 * len(self._filters()) + len(self._units()))
        return f"{count} small networks for {self.how_many()}, about a second each."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Carry the logits of one network after another back to the images."""
        from pda_studio.attribution.gradients import prepared
        from pda_studio.experiments.toy_networks import recoveries

        classifier = inputs.classifier()
        subjects = self.subjects(inputs, classifier)
        height, width = classifier.input_size
        if self.kernel > min(height, width):
            raise UsageError(
                f"A filter of {self.kernel} pixels is larger than the input of {width}×{height}:"
                " choose a smaller one."
            )
        images = [(one.name, prepared(one.load())[0].detach().float().cpu()) for one in subjects]
        steps = recoveries(
            images,
            filters=self._filters(),
            units=self._units(),
            kernel=self.kernel,
            repeats=self.repeats,
            seed=self.seed,
        )
        measured_on = about(classifier, len(subjects))
        yield from streamed(steps, lambda found: _result(found, measured_on))

    def _filters(self) -> list[int]:
        return _halved(self.filters, 2)

    def _units(self) -> list[int]:
        return _halved(self.units, 4)


def _halved(most: int, by: int, least: int = 16) -> list[int]:
    """`most` and its parts, from the smallest."""
    widths = [most]
    while widths[0] // by >= least:
        widths.insert(0, widths[0] // by)
    return widths


def _result(found: Recoveries, measured_on: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.toy_networks_figure import draw_toy_networks

    if not found.each:
        return None
    return StudyResult(
        sentence=_sentence(found),
        table=Table(_COLUMNS, _rows(found), group="network"),
        draw=lambda: draw_toy_networks(found),
        notes=[
            "Weights are independent Gaussians, without biases; the input is the image as the"
            " classifier gets it, less the mean colour; 95 % over images and networks, by"
            " Student’s t",
            "r with Eq. 5: with what guided backpropagation tends to as filters grow in number:"
            " each patch of the image divided by its length; for other methods and with"
            " max-pooling it need not hold",
            "r of two logits: 1 where the map says nothing of the class",
        ],
        about=measured_on,
    )


def _networks(found: Recoveries) -> list[tuple[Kind, int, Rule]]:
    return list(dict.fromkeys((one.kind, one.width, one.rule) for one in found.each))


def _rows(found: Recoveries) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for key in _networks(found):
        kind, width, rule = key
        each = found.of(*key)
        theory, logits = (
            mean_with_interval([getattr(one, name) for one in each])[0]
            for name in ("of_theory", "of_logits")
        )
        image = mean_with_interval([one.of_image for one in each])
        rows.append([kind, width, rule, len(each), *image, theory, logits])
    return rows


def _sentence(found: Recoveries) -> str:
    """How much guided backpropagation shows without anything learnt, and what it hangs on."""
    widest: dict[str, tuple[int, float]] = {}
    for kind, width, rule in _networks(found):
        if rule == "guided backprop" and width >= widest.get(kind, (0, 0.0))[0]:
            mean = mean_with_interval([one.of_image for one in found.of(kind, width, rule)])[0]
            widest[kind] = width, float(mean or 0)
    width, strength = widest["convolution"]
    text = (
        f"With {width:,} random filters guided backpropagation shows the image itself"
        f" (r = {written(strength)}), though nothing was learnt"
        if strength >= 0.5
        else f"With {width:,} random filters guided backpropagation shows little of the image"
        f" (r = {written(strength)})"
    )
    gradient = found.of("convolution", width, "gradient")
    plain = mean_with_interval([one.of_image for one in gradient])[0]
    text += f"; the plain gradient shows {written(float(plain or 0))}"
    if "fully connected" in widest:
        units, less = widest["fully connected"]
        text += f", and {units:,} fully connected units show {written(less)}"
    return f"{text}."

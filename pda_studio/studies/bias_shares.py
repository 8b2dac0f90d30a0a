"""The study of bias: how much of a logit no pixel accounts for, seen from each layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    StudyProgress,
    StudyResult,
    Table,
)
from pda_studio.studies.over_images import OverImages, about, mean_with_ends, streamed

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.bias import NetworkShares, Shares
    from pda_studio.experiments.map_work import SubjectInput

_BRANCHES = "in a branch, what passes the layer by counts as the image’s, and not as bias"
_HALF = 0.5
_SHARE = Column("share", "|bias| / |logit|", "correlation")


class BiasShares(OverImages):
    """|bias| / |logit| at the input and at each layer, of an image or on average over a folder."""

    name: ClassVar[str] = "bias-shares"
    title: ClassVar[str] = "Bias shares"
    summary: ClassVar[str] = (
        "How much of a logit is bias, which no map of a layer's units can show, from layer to"
        " layer."
    )
    citation: ClassVar[str] = (
        "Chen et al., Delving deep into interpreting neural nets with piece-wise affine"
        " representation, ICIP 2019"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"images", "networks"})

    layers: Literal["main", "all"] = parameter(
        "main",
        "Layers",
        "Those through which alone the image reaches the logit (main); or those in residual and"
        " other branches as well, each together with what passes it by (all).",
    )

    def effort(self) -> str:
        """One gradient an image."""
        if self.folder is None:
            return "One forward and one backward pass: about a second."
        return f"A forward and a backward pass for each network and {self.how_many()}."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Take one logit after the other apart at all layers at once."""
        from pda_studio.experiments.bias import shares_over_images

        classifiers = [one.load() for one in inputs.classifiers] or [inputs.classifier()]
        subjects = [self._subjects_of(inputs, one, not at) for at, one in enumerate(classifiers)]
        steps = shares_over_images(classifiers, subjects, branches=self.layers == "all")
        yield from streamed(steps, lambda found: self._result(found, classifiers))

    def _subjects_of(
        self, inputs: Inputs, classifier: Classifier, first: bool
    ) -> list[SubjectInput]:
        from pda_studio.experiments.map_work import SubjectInput

        if first or self.folder is not None or inputs.explained is None:
            return self.subjects(inputs, classifier)
        explained = inputs.explained
        return [SubjectInput(inputs.subject_name, lambda: explained(classifier))]

    def _result(self, found: Shares, classifiers: list[Classifier]) -> StudyResult | None:
        if not all(len(one.each) for one in found.networks):
            return None
        count = len(found.images)
        image, target = found.images[0]
        told: dict[str, Any] = about(classifiers[0], count)
        if count == 1:
            told |= {"target": target, "image": image}
        if len(classifiers) > 1:
            told["classifiers"] = [about(one, count) for one in classifiers]
        single = count == 1 and len(classifiers) == 1
        return StudyResult(
            sentence=_of_one(found.networks[0], target) if single else _of_several(found),
            table=_of_image(found.networks[0]) if single else _of_folder(found),
            draw=lambda: self._draw(found, single),
            notes=[_BRANCHES] if self.layers == "all" else [],
            about=told,
        )

    def _draw(self, found: Shares, single: bool) -> Any:
        from pda_studio.experiments.bias_figure import draw_shares
        from pda_studio.figures import draw_bias_shares

        if not single:
            return draw_shares(found)
        (image, target), one = found.images[0], found.networks[0]
        pairs = list(zip(one.layers, one.mean.tolist(), strict=True))
        return draw_bias_shares(pairs, f"{one.classifier}: {target}", image)


def _of_image(one: NetworkShares) -> Table:
    rows: list[list[Cell]] = [
        [layer, share] for layer, share in zip(one.layers, one.mean.tolist(), strict=True)
    ]
    return Table([Column("layer", "layer"), _SHARE], rows)


def _of_folder(found: Shares) -> Table:
    rows: list[list[Cell]] = []
    for one in found.networks:
        for layer, values in zip(one.layers, one.each.T, strict=True):
            ends = mean_with_ends(values.tolist(), 6)
            rows.append([one.classifier, layer, len(values), *ends])
    columns = [
        Column("classifier", "classifier"),
        Column("layer", "layer"),
        Column("images", "images", "count"),
        _SHARE,
        Column("low", "95 % from", "correlation"),
        Column("high", "to", "correlation"),
    ]
    return Table(columns, rows, group="classifier")


def _deepest_least(one: NetworkShares) -> int:
    """The layer with the least share; at the last one, the logit itself, there is none."""
    deeper = one.mean[1:-1] if len(one.mean) > 2 else one.mean
    return int(deeper.argmin()) + (1 if len(one.mean) > 2 else 0)


def _of_one(one: NetworkShares, target: str) -> str:
    least = _deepest_least(one)
    return (
        f"Seen from the {one.layers[0]}, the bias is {100 * one.mean[0]:.0f} % of the logit of"
        f" {target}, which no map of pixels can show; deeper it is least at {one.layers[least]}"
        f" ({100 * one.mean[least]:.0f} %)."
    )


def _of_several(found: Shares) -> str:
    count = len(found.networks[0].each)
    images = "In one image" if count == 1 else f"Over {count} images"
    parts = []
    for one in found.networks:
        large = [at for at, mean in enumerate(one.mean) if mean >= _HALF]
        part = f"in {one.classifier} {100 * one.mean[0]:.0f} % of the logit seen from the input"
        if large and large[-1] + 1 < len(one.layers):
            part += f", less than a half from {one.layers[large[-1] + 1]} on"
        parts.append(part)
    return f"{images}, the bias is {'; '.join(parts)}."

"""The piece-wise affine representation: what each unit of a layer adds to a logit, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter
from pda_studio.pda.options import AUTO, INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Spread = Literal["bilinear", "nearest"]


class PiecewiseAffine(Method):
    """Contributions W_i·h_i of a layer's units, summed over its channels.

    A layer's map is spread over the input's pixels so that its sum stays the same: the pixels of
    the evidence add up to S − b. `nearest` gives each pixel to the unit in whose tile of the
    image its middle lies; `bilinear` shares it among the four units around it.
    """

    name: ClassVar[str] = "piecewise-affine"
    title: ClassVar[str] = "Piece-wise affine"
    family: ClassVar[Family] = "Relevance"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "linear pieces")
    summary: ClassVar[str] = (
        "What each place of a layer adds to the logit, exactly; the rest is the bias."
    )
    citation: ClassVar[str] = (
        "Chen et al., Delving deep into interpreting neural nets with piece-wise affine"
        " representation, ICIP 2019"
    )

    at: str = parameter(
        AUTO,
        "Layer",
        "The layer whose units share the logit: a layer's name, input, or auto for the last one"
        " with rows and columns, where the bias is least.",
    )
    spread: Spread = parameter(
        "bilinear",
        "Spread",
        "How what a unit of a layer adds is spread over pixels of the image: bilinear or nearest,"
        " both with the same sum.",
    )

    def inactive(self) -> frozenset[str]:
        """At the input nothing is spread."""
        return frozenset({"spread"} if self.at == INPUT else ())

    def cost(self, subject: Subject) -> int:
        """A forward and a backward pass."""
        return 3

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Take one gradient."""
        from pda_studio.attribution import affine

        yield from affine.steps(self, subject)

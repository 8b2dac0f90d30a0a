"""What LIME and KernelSHAP share: the image in segments, some of which are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.averaged_gradients import Baseline
from pda_studio.methods.base import Family, Method, Progress
from pda_studio.methods.rise import Rise, Score
from pda_studio.parameters import parameter, same_but

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Segments = Literal["grid", "superpixels"]


class MaskedSegments(Method):
    """A linear model of the score in which of the segments are shown, fitted to masked images.

    The segments are the cells of a grid, or superpixels that follow the edges in the model input:
    SLIC's (Achanta et al., SLIC superpixels compared to state-of-the-art superpixel methods, IEEE
    TPAMI 2012), by scikit-image. A pixel has its segment's coefficient as evidence.
    """

    family: ClassVar[Family] = "Attention and masks"

    segments: Segments = parameter(
        "grid",
        "Segments",
        "What is masked as one: the cells of a grid, or superpixels, which follow edges (SLIC).",
    )
    cells: int = parameter(
        7, "Cells", "Rows and columns of the grid whose cells are the segments.", ge=2, le=32
    )
    superpixels: int = parameter(
        50,
        "Superpixels",
        "About how many superpixels there are; SLIC joins those that are too small.",
        ge=2,
        le=1000,
    )
    compactness: float = parameter(
        10.0,
        "Compactness",
        "How much nearness counts beside likeness of colour: more makes superpixels squarer, less"
        " lets them follow fainter edges.",
        step=1,
        ge=0.1,
        le=100,
    )
    samples: int = parameter(
        1000, "Samples", "How many masked images are scored.", unit="images", ge=2, le=20_000
    )
    baseline: Baseline = parameter(
        "mean", "Baseline", "What masked segments become: the mean colour, black, or white."
    )
    score: Score = same_but(Rise, "score", "probability")
    seed: int = parameter(0, "Seed", "The same seed draws the same masks.", ge=0, le=2**32 - 1)

    def inactive(self) -> frozenset[str]:
        """What belongs to the other kind of segments."""
        if self.segments == "grid":
            return frozenset({"superpixels", "compactness"})
        return frozenset({"cells"})

    def cost(self, subject: Subject) -> int:
        """One pass a masked image."""
        return self.samples

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """A batch of masked images a step."""
        from pda_studio.attribution import masked_segments

        yield from masked_segments.steps(self, subject)

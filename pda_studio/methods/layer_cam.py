"""LayerCAM: a layer's maps, weighed at each place by the positive part of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.methods.base import Progress
from pda_studio.methods.grad_cam import AtLayer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject


class LayerCam(AtLayer):
    """max(Σ_k max(∂f/∂A_k, 0) ⊙ A_k, 0), enlarged (Jiang et al.).

    Made to be read at early layers, too, whose maps are fine.
    """

    name: ClassVar[str] = "layer-cam"
    title: ClassVar[str] = "LayerCAM"
    summary: ClassVar[str] = (
        "Maps of a layer, early ones too, each place weighed by the positive part of its gradient:"
        " what speaks for the target only."
    )
    citation: ClassVar[str] = (
        "Jiang et al., LayerCAM: exploring hierarchical class activation maps for localization,"
        " IEEE Transactions on Image Processing 30, 2021"
    )

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import layer_cam

        yield from layer_cam.steps(self, subject)

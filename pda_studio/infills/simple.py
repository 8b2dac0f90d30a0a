"""Infills by plain image processing: grey, blur, inpainting."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.infills.base import Infill, InfillSettings
from pda_studio.pda.infill.terms import Size

if TYPE_CHECKING:
    import torch

    from pda_studio.pda.infill.base import Filler
    from pda_studio.pda.infill.simple import Algorithm


class Grey(Infill):
    """Zeiler's grey square."""

    name = "grey"
    title = "Grey"
    help = "Middle grey, as in Zeiler's occlusion."

    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Fill with grey."""
        from pda_studio.pda.infill.simple import GreyFiller

        return GreyFiller(pixels, size)


class Blur(Infill):
    """The blurred image."""

    name = "blur"
    title = "Blur"
    help = "The image blurred by a Gaussian whose standard deviation is half the window."

    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Fill with the blurred image."""
        from pda_studio.pda.infill.simple import BlurFiller

        return BlurFiller(pixels, size)


class _Inpainting(Infill):
    needs_surroundings = True
    algorithm: ClassVar[Algorithm]

    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Paint over windows."""
        from pda_studio.pda.infill.simple import InpaintFiller

        return InpaintFiller(pixels, size, self.algorithm)


class InpaintTelea(_Inpainting):
    """Telea's fast marching."""

    name = "inpaint-telea"
    title = "Inpainting (Telea)"
    help = "What surrounds the window, carried inwards by Telea's fast marching."
    algorithm = "telea"


class InpaintNavierStokes(_Inpainting):
    """Bertalmio's inpainting by the equations of fluid flow."""

    name = "inpaint-navier-stokes"
    title = "Inpainting (Navier–Stokes)"
    help = "What surrounds the window, carried inwards along its edges (Navier–Stokes)."
    algorithm = "navier-stokes"

"""What stands in for a removed window, by name."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.pda.infill.base import Infill
from pda_studio.pda.infill.gaussian import Draw, GaussianInfill, Law
from pda_studio.pda.infill.marginal import ReferenceInfill
from pda_studio.pda.infill.simple import BlurInfill, GreyInfill, InpaintInfill
from pda_studio.pda.infill.statistics import Statistics
from pda_studio.pda.options import Colour, InfillName


def make_infill(
    name: InfillName,
    pixels: torch.Tensor,
    *,
    window: int,
    outer: int,
    samples: int,
    colour: Colour,
    seed: int,
    statistics: Statistics,
    references: NDArray[np.uint8] | None = None,
) -> Infill:
    """Build the infill of an image.

    Parameters
    ----------
    name : str
        One of `InfillName`.
    pixels : (C, H, W) float32
        The image, in [0, 1].
    window, outer : int
        k and l, in pixels.
    samples : int
        S, where samples are drawn.
    colour, seed, statistics
        As `GaussianInfill` takes them.
    references : (n, H, W, C) uint8, optional
        Images to draw marginal samples from, instead of from the statistics.
    """
    match name:
        case "grey":
            return GreyInfill(pixels, window)
        case "blur":
            return BlurInfill(pixels, window)
        case "inpaint-telea":
            return InpaintInfill(pixels, window, "telea")
        case "inpaint-navier-stokes":
            return InpaintInfill(pixels, window, "navier-stokes")
    law, _, draw = name.partition("-")
    if references is not None and law == "marginal" and draw != "mean":
        return ReferenceInfill(
            references,
            window=window,
            samples=samples,
            seed=seed,
            average=draw == "empirical-mean",
        )
    return GaussianInfill(
        pixels,
        statistics,
        window=window,
        outer=outer,
        law=cast(Law, law),
        draw=cast(Draw, draw),
        samples=samples,
        colour=colour,
        seed=seed,
    )


__all__ = ["Infill", "make_infill"]

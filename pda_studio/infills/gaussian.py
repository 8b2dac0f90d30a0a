"""Infills from the Gaussian distribution of pixels: its mean, samples of it, or their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.infills.base import Infill, InfillSettings, Taken
from pda_studio.infills.effort import Effort, Windows, gaussian_effort
from pda_studio.pda.infill.terms import Size

if TYPE_CHECKING:
    import torch

    from pda_studio.pda.infill.base import Filler
    from pda_studio.pda.infill.gaussian import Estimate

_PIXELS: frozenset[Taken] = frozenset({"colour", "statistics"})
_SAMPLES: frozenset[Taken] = frozenset({"samples", "seed"})
_OUTER: frozenset[Taken] = frozenset({"outer"})
_REFERENCE: frozenset[Taken] = frozenset({"reference"})


class _Gaussian(Infill):
    gaussian = True
    estimate: ClassVar[Estimate] = "mean"

    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Fill from the distribution that the statistics tell."""
        from pda_studio.pda.infill.gaussian import GaussianFiller

        assert settings.statistics is not None, "an infill that takes statistics gets them"
        return GaussianFiller(
            pixels,
            settings.statistics,
            size,
            outer=settings.outer if self.conditional else None,
            estimate=self.estimate,
            samples=settings.samples,
            colour=settings.colour,
            seed=settings.seed,
        )

    def effort(self, windows: Windows, outer: int, channels: int) -> Effort:
        """Time and memory of the covariances."""
        return gaussian_effort(
            windows, outer if self.conditional else None, channels, sampled=self.stochastic
        )


class ConditionalSamples(_Gaussian):
    """S samples given the surroundings."""

    name = "conditional-samples"
    title = "Conditional samples"
    help = "S samples of the pixels' Gaussian distribution given the patch around the window."
    stochastic = conditional = True
    takes = _PIXELS | _SAMPLES | _OUTER
    estimate = "samples"
    preview = "conditional-mean"


class ConditionalMean(_Gaussian):
    """The mean given the surroundings."""

    name = "conditional-mean"
    title = "Conditional mean"
    help = "The mean of the pixels' Gaussian distribution given the patch around the window."
    conditional = True
    takes = _PIXELS | _OUTER


class ConditionalEmpiricalMean(_Gaussian):
    """The mean of S samples given the surroundings."""

    name = "conditional-empirical-mean"
    title = "Mean of conditional samples"
    help = "The mean of S samples given the patch around the window."
    stochastic = conditional = averaged = True
    takes = _PIXELS | _SAMPLES | _OUTER
    estimate = "empirical-mean"
    preview = "conditional-mean"


class _Marginal(_Gaussian):
    def filler(self, pixels: torch.Tensor, size: Size, settings: InfillSettings) -> Filler:
        """Fill from reference images where there are any, else from the statistics."""
        if settings.references is None or "reference" not in self.takes:
            return super().filler(pixels, size, settings)
        from pda_studio.pda.infill.marginal import ReferenceFiller

        return ReferenceFiller(
            settings.references,
            size,
            samples=settings.samples,
            seed=settings.seed,
            average=self.averaged,
        )


class MarginalSamples(_Marginal):
    """S samples, whatever the surroundings."""

    name = "marginal-samples"
    title = "Marginal samples"
    help = "S samples of such images' pixels at this place, whatever surrounds the window."
    stochastic = True
    takes = _PIXELS | _SAMPLES | _REFERENCE
    estimate = "samples"
    preview = "marginal-mean"


class MarginalMean(_Marginal):
    """The mean, whatever the surroundings."""

    name = "marginal-mean"
    title = "Marginal mean"
    help = "What such images have at this place on average, whatever surrounds the window."
    takes = _PIXELS


class MarginalEmpiricalMean(_Marginal):
    """The mean of S samples, whatever the surroundings."""

    name = "marginal-empirical-mean"
    title = "Mean of marginal samples"
    help = "The mean of S samples of such images' pixels at this place."
    stochastic = averaged = True
    takes = _PIXELS | _SAMPLES | _REFERENCE
    estimate = "empirical-mean"
    preview = "marginal-mean"

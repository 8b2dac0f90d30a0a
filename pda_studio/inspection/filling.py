"""What stands in for a removed rectangle: a method's own infill, or one for any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, get_args

import numpy as np
import torch

from pda_studio.attribution.prediction_difference import infill_maker
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.inspection.boxes import Box
from pda_studio.methods import Method
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.pda.infill import Infill
from pda_studio.pda.infill.simple import GREY, blurred, inpainted
from pda_studio.pda.infill.statistics import Statistics, shipped_statistics

RegionFillName = Literal["auto", "inpaint-telea", "blur", "grey"]
REGION_FILLINGS: tuple[RegionFillName, ...] = get_args(RegionFillName)

_RIM = 8  # pixels that the patch of a conditional mean is larger than the region
_LARGEST_PATCH = 24  # side whose covariance is factored within a twentieth of a second


class Filling(Protocol):
    """Fills rectangles of an image that may change from call to call."""

    @property
    def samples(self) -> int:
        """S, how many infills a rectangle gets."""
        ...

    def kind(self, box: Box, height: int, width: int) -> str:
        """What fills this rectangle of an image of this size, by an infill's name."""
        ...

    def __call__(self, pixels: torch.Tensor, box: Box) -> torch.Tensor:
        """Fill a rectangle of pixels (C, H, W) in [0, 1]: (S, C, h, w) float32."""
        ...


class MethodFilling:
    """Fills windows exactly as a method of prediction difference analysis does.

    Samples depend on the seed and on the window's place alone: those that the method drew for a
    window of the unmodified image are drawn again.

    Parameters
    ----------
    method : PredictionDifference
        The method.
    classifier : Classifier
        Whose images are filled.
    """

    def __init__(self, method: PredictionDifference, classifier: Classifier) -> None:
        self._name = method.infill
        self._side = method.window
        self._make: Callable[[torch.Tensor], Infill] = infill_maker(method, classifier)
        self._samples = method.samples if method.infill.endswith("-samples") else 1

    @property
    def samples(self) -> int:
        """S of the method; 1 where nothing is drawn, or only a mean of what is drawn."""
        return self._samples

    def kind(self, box: Box, height: int, width: int) -> str:
        """The method's infill."""
        return self._name

    def __call__(self, pixels: torch.Tensor, box: Box) -> torch.Tensor:
        """Fill one of the method's windows: (S, C, k, k)."""
        if (box.height, box.width) != (self._side, self._side):
            raise UsageError(
                f"The method takes out windows of {self._side}×{self._side} pixels: a region of"
                f" {box.width}×{box.height} needs another infill."
            )
        box.check_within(*pixels.shape[1:])
        return self._make(pixels).fill(box.corner)[0]


class RegionFilling:
    """Fills a rectangle of any size, once.

    `auto` takes the conditional mean where the region and its surroundings are small enough for
    their law, which knows most; else inpainting, which carries the surroundings inwards. Where a
    classifier's images have a law of their own at every place (`PdaSettings.law` is marginal),
    it takes that law's mean, for any size. Grey is what is left where nothing surrounds a region.

    Parameters
    ----------
    classifier : Classifier
        Whose images are filled.
    name : {"auto", "inpaint-telea", "blur", "grey"}
        What fills them.
    """

    samples = 1

    def __init__(self, classifier: Classifier, name: RegionFillName = "auto") -> None:
        if name not in REGION_FILLINGS:
            raise UsageError(
                f"Nothing is called “{name}” that fills regions: choose one of"
                f" {', '.join(REGION_FILLINGS)}."
            )
        self._name = name
        self._law = classifier.settings.law
        self._statistics: Statistics = shipped_statistics(classifier.settings.statistics)

    def kind(self, box: Box, height: int, width: int) -> str:
        """conditional-mean, marginal-mean, inpaint-telea, blur or grey."""
        whole = (box.height, box.width) == (height, width)
        if self._name != "auto":
            return "grey" if whole and self._name == "inpaint-telea" else self._name
        side = max(box.height, box.width)
        if self._law == "marginal" and side <= min(self._statistics.largest_patch, height, width):
            return "marginal-mean"
        if side + _RIM <= min(_LARGEST_PATCH, self._statistics.largest_patch, height, width):
            return "conditional-mean"
        return "grey" if whole else "inpaint-telea"

    def __call__(self, pixels: torch.Tensor, box: Box) -> torch.Tensor:
        """Fill a rectangle: (1, C, h, w)."""
        box.check_within(*pixels.shape[1:])
        match self.kind(box, *pixels.shape[1:]):
            case "conditional-mean":
                filled = _conditional_mean(pixels, self._statistics, box)
            case "marginal-mean":
                filled = _marginal_mean(pixels, self._statistics, box)
            case "inpaint-telea":
                filled = _inpainted(pixels, box)
            case "blur":
                filled = _blurred(pixels, box)
            case _:
                filled = torch.full((len(pixels), box.height, box.width), GREY)
        return filled[None]


def filling_of(method: Method, classifier: Classifier) -> Filling:
    """What fills the windows of a method; of one without windows, a filling for any rectangle."""
    if isinstance(method, PredictionDifference):
        return MethodFilling(method, classifier)
    return RegionFilling(classifier)


def _patch_around(box: Box, side: int, height: int, width: int) -> Box:
    """A square around a rectangle, shifted inside the image at its borders."""
    top = box.top - (side - box.height) // 2
    left = box.left - (side - box.width) // 2
    return Box(min(max(top, 0), height - side), min(max(left, 0), width - side), side, side)


def _clipped(values: torch.Tensor, statistics: Statistics) -> torch.Tensor:
    low = torch.tensor(statistics.minimum, dtype=torch.float32)[:, None, None]
    high = torch.tensor(statistics.maximum, dtype=torch.float32)[:, None, None]
    return values.float().clamp(low, high)


def _conditional_mean(pixels: torch.Tensor, statistics: Statistics, box: Box) -> torch.Tensor:
    """μ_w + Σ_wo Σ_oo⁻¹ (x_o − μ_o) of a rectangle (C, h, w) in a square patch around it."""
    patch = _patch_around(box, max(box.height, box.width) + _RIM, *pixels.shape[1:])
    place = statistics.place(patch.top, patch.left)
    mean = torch.from_numpy(statistics.patch_mean(place, patch.height))
    covariance = torch.from_numpy(statistics.patch_covariance(place, patch.height, "joint"))
    is_window = torch.zeros(len(pixels), patch.height, patch.width, dtype=torch.bool)
    within = Box(box.top - patch.top, box.left - patch.left, box.height, box.width)
    is_window[within.inside] = True
    window = is_window.flatten()
    deviation = pixels[patch.inside].double().flatten()[~window] - mean[~window]
    factor = torch.linalg.cholesky(covariance[~window][:, ~window])
    weights = torch.cholesky_solve(deviation[:, None], factor)[:, 0]
    filled = mean[window] + covariance[window][:, ~window] @ weights
    return _clipped(filled.reshape(len(pixels), box.height, box.width), statistics)


def _marginal_mean(pixels: torch.Tensor, statistics: Statistics, box: Box) -> torch.Tensor:
    patch = _patch_around(box, max(box.height, box.width), *pixels.shape[1:])
    place = statistics.place(patch.top, patch.left)
    mean = torch.from_numpy(statistics.patch_mean(place, patch.height))
    within = Box(box.top - patch.top, box.left - patch.left, box.height, box.width)
    square = mean.reshape(len(pixels), patch.height, patch.width)
    return _clipped(square[within.inside], statistics)


def _inpainted(pixels: torch.Tensor, box: Box) -> torch.Tensor:
    image = (pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    painted = inpainted(image, box.inside[1:])
    return torch.from_numpy(painted).permute(2, 0, 1).float() / 255


def _blurred(pixels: torch.Tensor, box: Box) -> torch.Tensor:
    """The image blurred by a Gaussian whose standard deviation is half the longer side."""
    return blurred(pixels, max(box.height, box.width) / 2)[box.inside].contiguous()

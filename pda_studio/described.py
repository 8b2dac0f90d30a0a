"""What every result tells of itself: the base of attribution maps and made images."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pda_studio.diagnostics import Diagnostics
from pda_studio.images.fit import CropBox, Fit, fit_in_words
from pda_studio.plotted import Plotted
from pda_studio.targets import OutputKind, Target

if TYPE_CHECKING:
    from pda_studio.images import DisplayLimits, View


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Plotted):
    """What a method found, with everything needed to draw, save, compare and repeat it.

    Attributes
    ----------
    view : (H, W, 3) uint8, or float32 from 0 to 1
        The image as the network saw it.
    target : Target
        What is explained.
    target_name : str
        In words.
    index : int
        Where the target stands among the `probabilities`.
    probabilities : (K,) float64
        What the network with the target as an output says of the unmodified image: of a class, of
        all classes; of a contrast, of both sides; else plain values.
    output : {"softmax", "sigmoid", "scalar", "activation", "unknown"}
        Whether these are probabilities, plain values, or the activation of a hidden unit, which
        files of version 0.1 do not tell.
    method : str
        Name of the method in the registry.
    title : str
        Its name for people.
    parameters : dict
        All its parameters, as JSON values.
    unit : str
        Unit of the evidence, or of what a made image raises: bits, probability, logit …
    classifier, weights, fingerprint : str
        The classifier, where its weights came from, and their SHA-256.
    seconds : float
        How long the work took.
    diagnostics : tuple
        What the method found out about its own result.
    limits : DisplayLimits or None
        Which of the image's values became 0 and 1 in the view; None of eight bits from 0 to 255.
    fit : {"crop", "stretch", "pad", "full"}
        What of the image became the view: see `Preprocessing`.
    crop : CropBox or None
        The rectangle of the image that did, if one was chosen.
    """

    view: View
    target: Target
    target_name: str
    index: int
    probabilities: NDArray[np.float64]
    output: OutputKind
    method: str
    title: str
    parameters: dict[str, Any]
    unit: str
    classifier: str
    weights: str
    fingerprint: str
    seconds: float
    diagnostics: Diagnostics = ()
    limits: DisplayLimits | None = None
    fit: Fit = "crop"
    crop: CropBox | None = None

    @property
    def complete(self) -> bool:
        """Whether the work was carried to its end."""
        raise NotImplementedError

    @property
    def how(self) -> str:
        """How it came about, as captions tell it."""
        values = f"values {self.limits}" if self.limits is not None else ""
        seen = fit_in_words(self.fit, self.crop)
        return ", ".join(filter(None, (*map(str, self.diagnostics), values, seen)))

    @property
    def has_probability(self) -> bool:
        """Whether the target has a probability, rather than being a plain value."""
        return self.output in ("softmax", "sigmoid")

    @property
    def value(self) -> float:
        """What the network says of the target: its probability, or its plain value; else NaN."""
        return math.nan if self.output == "unknown" else float(self.probabilities[self.index])

    def replace(self, **changes: Any) -> Self:
        """A copy with other values."""
        return replace(self, **changes)

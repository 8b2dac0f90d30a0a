"""LIME: a linear model of the score near the image, in which of its segments are shown."""

from __future__ import annotations

from typing import ClassVar

from pda_studio.methods.masked_segments import MaskedSegments
from pda_studio.parameters import parameter


class Lime(MaskedSegments):
    """Coefficients of weighted ridge regression (Ribeiro et al., Section 3; for images as there).

    Each segment is shown with probability ½. A masked image z weighs √exp(−d²/σ²), where d is the
    cosine distance of z to the whole image and σ the width, as in the authors' program.
    """

    name: ClassVar[str] = "lime"
    title: ClassVar[str] = "LIME"
    summary: ClassVar[str] = (
        "Coefficients of a linear model of the score, fitted to images with some segments masked;"
        " those that are like the whole image count more."
    )
    citation: ClassVar[str] = (
        "Ribeiro, Singh & Guestrin, “Why should I trust you?” Explaining the predictions of any"
        " classifier, KDD 2016"
    )

    width: float = parameter(
        0.25,
        "Kernel width",
        "How soon masked images count less as they become unlike the whole one.",
        step=0.05,
        ge=0.05,
        le=10,
    )
    penalty: float = parameter(
        1.0, "Ridge penalty", "How much large coefficients are held down.", step=0.1, ge=0, le=100
    )

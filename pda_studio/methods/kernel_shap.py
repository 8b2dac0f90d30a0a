"""KernelSHAP: Shapley values of an image's segments, by regression."""

from __future__ import annotations

from typing import ClassVar

from pda_studio.methods.masked_segments import MaskedSegments


class KernelShap(MaskedSegments):
    """Shapley values as weighted least squares (Lundberg & Lee, Theorem 2).

    Coefficients sum to the score's change from the baseline to the image. Where `samples` reaches
    for all 2ᴹ − 2 masks of M segments, each is taken once, and the values are exact. Else masks are
    drawn by the Shapley kernel, each with its complement (Covert & Lee, AISTATS 2021).
    """

    name: ClassVar[str] = "kernel-shap"
    title: ClassVar[str] = "KernelSHAP"
    summary: ClassVar[str] = (
        "Shapley values of the image's segments: what each adds to the score on average over all"
        " orders in which they could be shown."
    )
    citation: ClassVar[str] = (
        "Lundberg & Lee, A unified approach to interpreting model predictions, NIPS 2017"
    )

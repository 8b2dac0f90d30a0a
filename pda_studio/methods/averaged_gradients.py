"""Gradients averaged over many inputs: along a path (integrated gradients), or with noise."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from pda_studio.classifiers import Classifier
from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.evidence import EvidenceMap, Subject
from pda_studio.methods.gradients import (
    Rule,
    attribution,
    differentiable,
    gradient_of_input,
    largest,
    logit_unit,
    prepared,
    rule_unit,
)

Baseline = Literal["mean", "black", "white"]
Base = Literal["gradient", "saliency", "input-x-gradient", "guided-backpropagation", "deconvnet"]

_BATCH = 8  # images per pass: on two cores more are hardly faster, and steps would get long


class IntegratedGradients(Method):
    """(x − x′) ∫₀¹ ∂f/∂x (x′ + α (x − x′)) dα, summed over colours (Sundararajan et al., Eq. 1).

    The integral is taken by Gauss and Legendre's rule. The whole map sums to f(x) − f(x′); by how
    much it fails to is told as the completeness error, |Σ − (f(x) − f(x′))| / |f(x) − f(x′)|.
    """

    name: ClassVar[str] = "integrated-gradients"
    title: ClassVar[str] = "Integrated gradients"
    family: ClassVar[Family] = "Gradients"
    summary: ClassVar[str] = (
        "The logit's change from a baseline to the image, shared out by the gradients on the way."
    )
    citation: ClassVar[str] = (
        "Sundararajan, Taly & Yan, Axiomatic attribution for deep networks, ICML 2017"
    )

    points: int = parameter(
        50,
        "Points",
        "At how many points of the way from the baseline the gradient is taken.",
        ge=1,
        le=1000,
    )
    baseline: Baseline = parameter(
        "mean",
        "Baseline",
        "Where the way begins: an image all in the mean colour, black, or white.",
    )

    def cost(self, subject: Subject) -> int:
        """Each point is one pass forwards and one back."""
        return 3 * self.points

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Some points a step, each time spread over the whole way."""
        began = perf_counter()
        batch = subject.batch or _BATCH
        count = -(-self.points // batch)
        with differentiable():
            image = prepared(subject).detach()
            start = self._start(subject.classifier, image)
            way = image - start
            rule = gradient_of_input(subject.classifier, subject.target)
            nodes, weights = np.polynomial.legendre.leggauss(self.points)
            alphas = torch.tensor((nodes + 1) / 2).to(image)[:, None, None, None]
            shares = torch.tensor(weights / 2).to(image)
            total = torch.zeros_like(image[0])
        share, done = 0.0, 0
        for first in range(count):
            here = slice(first, None, count)
            with differentiable():
                gradients = rule((start + alphas[here] * way).requires_grad_()).detach()
                total += torch.einsum("n,nchw->chw", shares[here], gradients)
                share += float(shares[here].sum())
                done += len(shares[here])
                evidence = (way[0] * total).sum(0) / share
            now = perf_counter() - began
            note = ""
            if done == self.points:
                note = _completeness(subject, image, start, float(evidence.double().sum()))
            found = self.map_of(
                subject,
                evidence.cpu().numpy(),
                logit_unit(subject.classifier),
                now,
                complete=done == self.points,
                forward=note,
            )
            yield Progress(done, self.points, lambda found=found: found)  # type: ignore[misc]

    def _start(self, classifier: Classifier, image: torch.Tensor) -> torch.Tensor:
        """The baseline (1, C, H, W), as the network gets it."""
        if self.baseline == "mean":
            return torch.zeros_like(image)
        colour = 0.0 if self.baseline == "black" else 1.0
        return classifier.prepare(torch.full_like(image, colour))


def _completeness(subject: Subject, image: torch.Tensor, start: torch.Tensor, total: float) -> str:
    """How far the sum is from the logit's change, as a share of that."""
    pair = subject.classifier.logits(torch.cat([image, start]))[:, subject.target].double()
    change = float(pair[0] - pair[1])
    if change == 0:
        return ""
    return f"completeness error {100 * abs(total - change) / abs(change):.2g} %"


class SmoothGrad(Method):
    """Mean of a gradient method over images with Gaussian noise (Smilkov et al., Section 3).

    M̂(x) = 1/n Σ M(x + N(0, σ²)). The size of saliency is taken of the mean gradient, as there.
    """

    name: ClassVar[str] = "smooth-grad"
    title: ClassVar[str] = "SmoothGrad"
    family: ClassVar[Family] = "Gradients"
    summary: ClassVar[str] = "A gradient method, averaged over copies of the image with noise."
    citation: ClassVar[str] = (
        "Smilkov et al., SmoothGrad: removing noise by adding noise, arXiv 1706.03825, 2017"
    )

    base: Base = parameter(
        "gradient",
        "Averaged",
        "What is averaged: the gradient, summed over colours; its size without a sign (saliency);"
        " or another method.",
    )
    samples: int = parameter(
        50, "Samples", "How many copies with noise are averaged.", unit="copies", ge=1, le=1000
    )
    noise: float = parameter(
        0.15,
        "Noise",
        "Standard deviation of the noise, as a share of the range of the image's values.",
        step=0.01,
        ge=0,
        le=1,
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same samples.", ge=0, le=2**32 - 1)

    def cost(self, subject: Subject) -> int:
        """Each copy is one pass forwards and one back."""
        return 3 * self.samples

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Some copies a step."""
        began = perf_counter()
        chance = torch.Generator().manual_seed(self.seed)
        with differentiable():
            image = prepared(subject).detach()
            rule = attribution(self._rule, subject.classifier, subject.target)
            deviation = self.noise * (image.max() - image.min())
            mean = torch.zeros_like(image[0])
            spread = torch.zeros_like(image[0, 0])
        done = 0
        while done < self.samples:
            count = min(subject.batch or _BATCH, self.samples - done)
            with differentiable():
                # One copy at a time, so that the draws do not depend on the batch.
                shape = image.shape[1:]
                drawn = [torch.randn(shape, generator=chance) for _ in range(count)]
                noisy = image + deviation * torch.stack(drawn).to(image.device)
                values = rule(noisy.requires_grad_()).detach()
                sums = values.sum(1)
                farther = sums.mean(0) - mean.sum(0)
                spread += (sums - sums.mean(0)).square().sum(0)
                spread += farther.square() * done * count / (done + count)
                done += count
                mean += (values - mean).sum(0) / done
            found = self._map(subject, mean, spread, done, perf_counter() - began)
            yield Progress(done, self.samples, lambda found=found: found)  # type: ignore[misc]

    def _map(
        self,
        subject: Subject,
        mean: torch.Tensor,
        spread: torch.Tensor,
        done: int,
        seconds: float,
    ) -> EvidenceMap:
        unit: str = rule_unit(self._rule, subject.classifier)
        error: Any = None
        if self.base == "saliency":
            evidence = largest(mean)
            unit = f"|{logit_unit(subject.classifier)}| per pixel value"
        else:
            evidence = mean.sum(0)
            if done > 1:
                error = (spread / (done - 1) / done).sqrt().cpu().numpy()
        return self.map_of(
            subject,
            evidence.cpu().numpy(),
            unit,
            seconds,
            standard_error=error,
            complete=done == self.samples,
        )

    @property
    def _rule(self) -> Rule:
        return "gradient" if self.base == "saliency" else self.base

"""The work of averaged gradients: along a path from a baseline, or over noisy copies."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pda_studio.attribution.gradients import (
    absolute_unit,
    attribution,
    gradient_of_input,
    largest,
    logit_unit,
    prepared,
    rule_unit,
)
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.diagnostics import Completeness, Diagnostics
from pda_studio.methods.averaged_gradients import Baseline, IntegratedGradients, SmoothGrad
from pda_studio.methods.base import Progress
from pda_studio.methods.gradients import Rule
from pda_studio.results import EvidenceMap, Subject

_BATCH = 8  # images per pass: on two cores more are hardly faster, and steps would get long


def integrated(method: IntegratedGradients, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Some points a step, each time spread over the whole way."""
    began = perf_counter()
    batch = subject.batch or _BATCH
    count = -(-method.points // batch)
    with differentiable():
        image = prepared(subject).detach()
        start = baseline_of(method.baseline, subject.scored, image)
        way = image - start
        rule = gradient_of_input(subject.scored, subject.index)
        nodes, weights = np.polynomial.legendre.leggauss(method.points)
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
        diagnostics: Diagnostics = ()
        if done == method.points:
            diagnostics = (completeness(subject, image, start, float(evidence.double().sum())),)
        found = subject.map_of(
            method,
            evidence.cpu().numpy(),
            logit_unit(subject.scored),
            now,
            complete=done == method.points,
            diagnostics=diagnostics,
        )
        yield Progress(done, method.points, lambda found=found: found)  # type: ignore[misc]


def baseline_of(name: Baseline, classifier: Classifier, image: torch.Tensor) -> torch.Tensor:
    """The baseline (1, C, H, W), as the network gets it, of an image's shape."""
    if name == "mean":
        return torch.zeros_like(image)
    colour = 0.0 if name == "black" else 1.0
    return classifier.prepare(torch.full_like(image, colour))


def completeness(
    subject: Subject, image: torch.Tensor, start: torch.Tensor, total: float
) -> Completeness:
    """How far the sum is from the logit's change."""
    pair = subject.scored.logits(torch.cat([image, start]))[:, subject.index].double()
    return Completeness(total, float(pair[0] - pair[1]))


def smoothed(method: SmoothGrad, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Some copies a step."""
    began = perf_counter()
    generator = torch.Generator().manual_seed(method.seed)
    with differentiable():
        image = prepared(subject).detach()
        rule = attribution(_rule_of(method), subject.scored, subject.index)
        deviation = method.noise * (image.max() - image.min())
        mean = torch.zeros_like(image[0])
        spread = torch.zeros_like(image[0, 0])
    done = 0
    while done < method.samples:
        count = min(subject.batch or _BATCH, method.samples - done)
        with differentiable():
            # One copy at a time, so that the draws do not depend on the batch.
            shape = image.shape[1:]
            drawn = [torch.randn(shape, generator=generator) for _ in range(count)]
            noisy = image + deviation * torch.stack(drawn).to(image.device)
            values = rule(noisy.requires_grad_()).detach()
            sums = values.sum(1)
            farther = sums.mean(0) - mean.sum(0)
            spread += (sums - sums.mean(0)).square().sum(0)
            spread += farther.square() * done * count / (done + count)
            done += count
            mean += (values - mean).sum(0) / done
        found = _smooth_map(method, subject, mean, spread, done, perf_counter() - began)
        yield Progress(done, method.samples, lambda found=found: found)  # type: ignore[misc]


def _smooth_map(
    method: SmoothGrad,
    subject: Subject,
    mean: torch.Tensor,
    spread: torch.Tensor,
    done: int,
    seconds: float,
) -> EvidenceMap:
    unit: str = rule_unit(_rule_of(method), subject.scored)
    error: Any = None
    if method.base == "saliency":
        evidence = largest(mean)
        unit = absolute_unit(subject.scored)
    else:
        evidence = mean.sum(0)
        if done > 1:
            error = (spread / (done - 1) / done).sqrt().cpu().numpy()
    return subject.map_of(
        method,
        evidence.cpu().numpy(),
        unit,
        seconds,
        standard_error=error,
        complete=done == method.samples,
    )


def _rule_of(method: SmoothGrad) -> Rule:
    return "gradient" if method.base == "saliency" else method.base

"""Attention rollout's work: attention weights of all layers, multiplied."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.endings import Hidden
from pda_studio.classifiers.layers import patch_grid
from pda_studio.diagnostics import AttentionLayers
from pda_studio.errors import UsageError
from pda_studio.methods.attention_rollout import AttentionRollout
from pda_studio.methods.base import Progress
from pda_studio.results import EvidenceMap, Subject


def steps(method: AttentionRollout, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    began = perf_counter()
    classifier = subject.scored
    weights = attention_weights(classifier, subject)
    rolled = rollout([_fused(method, layer) for layer in weights])
    row = _row(classifier.network, rolled)
    height, width = subject.view.shape[:2]
    grid = patch_grid(len(row) - 1, (height, width))
    if grid is None:
        raise UsageError(
            f"The {len(row) - 1} tokens of {classifier.name} are no grid of patches of"
            f" {width} × {height} pixels: choose another method."
        )
    patches = row[1:].reshape(1, 1, *grid)
    evidence = interpolate(patches, (height, width), mode="bilinear", align_corners=False)
    found = subject.map_of(
        method,
        evidence[0, 0].cpu().numpy(),
        "share of attention",
        perf_counter() - began,
        diagnostics=(AttentionLayers(len(weights), height // grid[0]),),
    )
    yield Progress(1, 1, lambda: found)


def _fused(method: AttentionRollout, weights: torch.Tensor) -> torch.Tensor:
    """One layer's weights (T, T) from those of its heads (heads, T, T)."""
    if method.fusion == "mean":
        fused = weights.mean(0)
    else:
        fused = weights.amax(0) if method.fusion == "max" else weights.amin(0)
    weakest = int(method.discarded * fused.numel())
    if weakest:
        fused = fused.clone()
        fused.view(-1)[fused.flatten().argsort()[:weakest]] = 0
    return fused


def rollout(layers: list[torch.Tensor]) -> torch.Tensor:
    """Product of all layers' weights (T, T), each with its shortcut; from the last to the first."""
    result = identity = torch.eye(len(layers[0]), device=layers[0].device)
    for weights in layers:
        both = (weights + identity) / 2
        result = both / both.sum(1, keepdim=True) @ result
    return result


def attention_weights(classifier: Classifier, subject: Subject) -> list[torch.Tensor]:
    """Each layer's attention weights (heads, T, T), in the order in which they are done.

    Raises
    ------
    UsageError
        If the network attends otherwise than by all tokens to all, the class token's first.
    """
    attentions = attentions_of(classifier, AttentionRollout.title)
    found: list[torch.Tensor] = []
    handles = []
    for attention in attentions:
        handles.append(attention.register_forward_pre_hook(_ask_for_weights, with_kwargs=True))
        handles.append(
            attention.register_forward_hook(lambda _, __, result: found.append(result[1][0]))
        )
    try:
        classifier.logits(classifier.prepare(classifier.preprocessing.pixels(subject.view)[None]))
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise UsageError(
            "No layer attends to anything on the way to this unit: choose a later layer, or another"
            " method than attention rollout."
        )
    return found


def _ask_for_weights(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return inputs, {**named, "need_weights": True, "average_attn_weights": False}


def attentions_of(classifier: Classifier, purpose: str) -> list[nn.MultiheadAttention]:
    """Layers of attention by all tokens to all, in a network with a class token.

    Raises
    ------
    UsageError
        If it attends otherwise, or not at all; it names the purpose.
    """
    modules = list(classifier.network.modules())
    attentions = [module for module in modules if isinstance(module, nn.MultiheadAttention)]
    if attentions and any(hasattr(module, "class_token") for module in modules):
        return attentions
    if attentions:
        why = "has no class token"
    elif any("Attention" in type(module).__name__ for module in modules):
        why = "attends only within windows or partitions and has no class token"
    else:
        why = "has no attention"
    raise UsageError(
        f"{purpose} follows a transformer's class token, and {classifier.name} {why}: choose"
        " another method."
    )


def _row(network: nn.Module, rolled: torch.Tensor) -> torch.Tensor:
    """What the token that is asked about is made of (T,)."""
    if isinstance(network, Hidden) and network.reader.channels_last:
        place = network.reader.place
        return rolled.mean(0) if place is None else rolled[place[0]]
    return rolled[0]

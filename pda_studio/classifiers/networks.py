"""Torchvision's networks, built without weights and filled with them."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from pda_studio.classifiers.weights import Weights
from pda_studio.errors import PdaStudioError

# Auxiliary heads play no part in a decision.
EXTRA_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": False, "aux_logits": False, "init_weights": False},
    "inception_v3": {"transform_input": False, "aux_logits": False, "init_weights": False},
}
_LARGEST_INPUT = 4096  # pixels a side: no transformer is trained for more
_OF_ONE_SIZE = "vit_"  # networks whose layers are made for one size of input


_DRAWING = {
    nn.init.kaiming_normal_,
    nn.init.kaiming_uniform_,
    nn.init.normal_,
    nn.init.uniform_,
}
"""Not what they call: a truncated normal is drawn until all values lie within its bounds."""


class ToBeFilled(TorchFunctionMode):
    """Within it, networks are made without random weights: `fill` gives them those of a file.

    To draw them takes longer than to read them: a second for vgg16.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if function in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


def names() -> list[str]:
    """Names of torchvision's classification networks."""
    models = _torchvision()
    found: list[str] = models.list_models(module=models)
    return found


def weights_entries(name: str) -> Any:
    """What torchvision knows of a network's weights: an enumeration, one entry for each file."""
    return _torchvision().get_model_weights(name)


def build(name: str, size: int, num_classes: int = 1000) -> nn.Module:
    """Build a network without weights for an input of this side, in pixels."""
    extra = dict(EXTRA_ARGUMENTS.get(name, {}))
    if name.startswith(_OF_ONE_SIZE):
        extra["image_size"] = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about initialisation, overwritten anyway
        network: nn.Module = _torchvision().get_model(
            name, weights=None, num_classes=num_classes, **extra
        )
    return network


def input_size_of(weights: Weights) -> int | None:
    """The input's side that a vision transformer was trained for; its weights have a place each.

    Returns
    -------
    int or None
        In pixels; None where weights do not depend on it.
    """
    places, patches = weights.get("encoder.pos_embedding"), weights.get("conv_proj.weight")
    if places is None or patches is None or places.ndim != 3 or patches.ndim != 4:
        return None
    side = round(max(places.shape[1] - 1, 0) ** 0.5) * patches.shape[-1]
    return side if 0 < side <= _LARGEST_INPUT else None


def count_classes(network: nn.Module, weights: Weights) -> int:
    """Number of classes of the network that these weights were saved from."""
    counts = {
        weights[name].shape[0]
        for name, tensor in network.state_dict().items()
        if name in weights and weights[name].ndim > 0 and weights[name].shape != tensor.shape
        if tensor.shape[0] == 1000 and weights[name].shape[1:] == tensor.shape[1:]
    }
    return counts.pop() if len(counts) == 1 else 1000


def fill(name: str, network: nn.Module, weights: Weights, source: str) -> None:
    """Put weights into a network, all of them or none.

    Raises
    ------
    PdaStudioError
        If the names or shapes are another network's.
    """
    own = network.state_dict()
    # Files from before BatchNorm counted its batches lack the counter, which eval mode ignores.
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    surplus = [key for key in weights if key not in own]
    differing = [key for key in own if key in weights and weights[key].shape != own[key].shape]
    for what, keys in (("lacks", missing), ("has another shape for", differing), ("adds", surplus)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise PdaStudioError(
                f"These weights ({Path(source).name}) are not {name}'s: the file {what}"
                f" “{keys[0]}”{more}; choose the network they were saved from."
            )
    for key, tensor in weights.items():
        if own[key].is_floating_point() and not tensor.is_floating_point():
            raise PdaStudioError(
                f"These weights ({Path(source).name}) are not real numbers: “{key}” holds integers,"
                " as quantised networks do; save them dequantised, as floats."
            )
    network.load_state_dict({k: v.to(own[k].dtype) for k, v in weights.items()}, strict=False)


def _torchvision() -> Any:
    """Torchvision's networks, imported when one is wanted: that takes as long as PyTorch itself."""
    from torchvision import models

    return models


def he_initialised(build: Any) -> nn.Module:
    """An untrained network whose signals neither vanish nor explode, the same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: nn.Module = build()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return network

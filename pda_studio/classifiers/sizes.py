"""Whether a network takes images of any size, found by trying, and what a large one costs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.classifiers.classifier import Classifier

_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
"""Of pixels: the first that a network takes counts."""

_weak: Any = StorageWeakRef  # without types
_OTHER = "choose the fit crop, stretch or pad, or another classifier"


def multiple_of_sizes(classifier: Classifier) -> int:
    """Of how many pixels an image's height and width must be multiples, for a network to take it.

    Raises
    ------
    UsageError
        If it takes a single size.
    """
    height, width = classifier.preprocessing.size
    known = len(classifier.class_names)
    for multiple in _MULTIPLES:
        # Beyond the usual size, another aspect, and a multiple of nothing larger.
        size = [-(-side // 64) * 64 + more * multiple for side, more in ((height, 1), (width, 3))]
        pixels = torch.zeros(1, classifier.preprocessing.channels, *size)
        try:
            answer = classifier.logits(classifier.prepare(pixels))
        except Exception:  # whatever a network of somebody else's raises
            continue
        if isinstance(answer, torch.Tensor) and answer.shape == (1, known):
            return multiple
    raise UsageError(
        f"{classifier.name} takes model inputs of {width} × {height} pixels alone, no image at full"
        f" resolution: {_OTHER}."
    )


def check_memory(classifier: Classifier) -> None:
    """Refuse a model input whose single forward pass takes more memory than there is.

    Raises
    ------
    UsageError
        If it does.
    """
    needed, free = activation_bytes(classifier), _free_bytes(classifier.device)
    if free is not None and needed > free:
        height, width = classifier.preprocessing.size
        raise UsageError(
            f"An image of {width} × {height} pixels at full resolution takes about"
            f" {_gigabytes(needed)} in {classifier.name}, and {_gigabytes(free)} are free:"
            f" {_OTHER}."
        )


def refused_size(classifier: Classifier, error: Exception) -> UsageError:
    """The sentence for an image at full resolution that a network cannot be run on."""
    height, width = classifier.preprocessing.size
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return UsageError(
        f"{classifier.name} cannot take an image of {width} × {height} pixels at full resolution"
        f" ({lines[0].rstrip('.')[:160]}): {_OTHER}."
    )


def size_note(classifier: Classifier) -> str:
    """What an image at full resolution costs, in one sentence; "" where the input has one size."""
    preprocessing = classifier.preprocessing
    if preprocessing.fit != "full":
        return ""
    height, width = preprocessing.size
    usual = preprocessing.usual_size[0] * preprocessing.usual_size[1]
    times = height * width / usual
    return (
        f"Full resolution: {width} × {height} pixels, {times:.2g} times the usual model input;"
        f" about {_gigabytes(activation_bytes(classifier))} for one forward pass."
    )


def activation_bytes(classifier: Classifier) -> int:
    """The most bytes that a network's activations take together, for one image.

    They grow with the number of pixels: counted once at the usual size.
    """
    preprocessing = classifier.preprocessing
    usual = preprocessing.usual_size
    if "activations" not in classifier.measured:
        classifier.measured["activations"] = _counted(classifier, usual)
    here, there = preprocessing.size, usual
    share = here[0] * here[1] / (there[0] * there[1])
    return round(classifier.measured["activations"] * share)


def _counted(classifier: Classifier, size: tuple[int, int]) -> int:
    live = _LiveBytes(classifier.network)
    with torch.no_grad(), live:  # in inference mode the parts of composite operations are not seen
        pixels = torch.zeros(1, classifier.preprocessing.channels, *size, device=classifier.device)
        classifier.network(classifier.prepare(pixels))
    return live.most


class _LiveBytes(TorchDispatchMode):
    """Counts the bytes that the results of all operations take together at any time.

    Parameters
    ----------
    network : Module
        Whose weights do not count.

    Attributes
    ----------
    most : int
        The most bytes that were alive together.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._live: dict[int, tuple[Any, int]] = {}
        tensors = (*network.parameters(), *network.buffers())
        self._weights = {one.untyped_storage().data_ptr() for one in tensors}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry an operation out, and count what is alive after it."""
        result = func(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                if storage.data_ptr() not in self._weights:
                    self._live[storage.data_ptr()] = _weak(storage), storage.nbytes()
        self._live = {at: one for at, one in self._live.items() if not one[0].expired()}
        self.most = max(self.most, sum(count for _, count in self._live.values()))
        return result


def _free_bytes(device: torch.device) -> int | None:
    """Memory that is free where a network runs; None where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo") as file:
            known = dict(line.split(":", 1) for line in file)
        return int(known["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(1, round(count / 1e6))} MB"

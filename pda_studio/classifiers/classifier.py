"""What is explained: a network with all that is needed to ask it about an image."""

import difflib
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import nn

from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.errors import PdaStudioError, UsageError


class PdaSettings(BaseModel):
    """The settings of prediction difference analysis that suit a classifier.

    Attributes
    ----------
    window, outer : int
        Side k of the removed window and l of the patch around it, in input pixels.
    law : {"conditional", "marginal"}
        Whether the infill looks at the window's surroundings.
    statistics : str
        Name of the shipped statistics that describe such images.
    """

    model_config = ConfigDict(frozen=True)

    window: int = 10
    outer: int = 18
    law: Literal["conditional", "marginal"] = "conditional"
    statistics: Literal["natural", "digits"] = "natural"


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network in eval mode, its preprocessing, its class names, and where it runs.

    Attributes
    ----------
    name : str
        Its name in the catalogue.
    network : torch.nn.Module
        Maps a normalised batch (N, C, H, W) to logits (N, K).
    preprocessing : Preprocessing
        From an image to the network's input, with the inverse mapping.
    class_names : tuple of str
        The K classes.
    device : torch.device
        Where the network lives.
    weights : str
        Where its weights came from, for captions and metadata.
    settings : PdaSettings
        What suits it.
    asked : str
        What it answers instead of all its classes; "" if it answers with those.
    batch_sizes : dict
        The fastest batch size found so far, by kind of forward: learnt while working.
    """

    name: str
    network: nn.Module
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    device: torch.device
    weights: str
    settings: PdaSettings = field(default_factory=PdaSettings)
    asked: str = ""
    batch_sizes: dict[str, int] = field(default_factory=dict)

    @property
    def is_hidden(self) -> bool:
        """Whether it answers with the activation of a hidden unit: no class, no probability."""
        return len(self.class_names) == 1

    @property
    def input_size(self) -> int:
        """Side of the network's square input, in pixels."""
        return self.preprocessing.size

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all weights (hex): the same for the same network, whatever the file."""
        digest = hashlib.sha256((self.name + self.asked).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise pixels (N, C, H, W) in [0, 1] and move them to where the network lives."""
        normalised = self.preprocessing.normalise(pixels.to(self.device))
        return normalised.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def logits(self, prepared: torch.Tensor) -> torch.Tensor:
        """Score a prepared batch (N, C, H, W); returns logits (N, K) on the same device."""
        logits: torch.Tensor = self.network(prepared)
        return logits

    def predict(self, view: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability (K,) of each class for a view (H, W, 3) uint8.

        Raises
        ------
        PdaStudioError
            If the network's answer is not finite.
        """
        pixels = self.preprocessing.pixels(view)[None]
        logits = self.logits(self.prepare(pixels))[0].cpu().double()
        if not bool(torch.isfinite(logits).all()):
            raise PdaStudioError(
                f"{self.name} answers with values that are not finite; its weights ({self.weights})"
                " are damaged or do not fit: try another file."
            )
        probabilities: NDArray[np.float64] = torch.softmax(logits, 0).numpy()
        return probabilities

    def class_index(self, target: int | str) -> int:
        """Find a class by its index or its name, whatever the case.

        Raises
        ------
        UsageError
            If there is no such class, or several bear the name.
        """
        count = len(self.class_names)
        text = str(target).strip()
        matches = [i for i, name in enumerate(self.class_names) if name.lower() == text.lower()]
        # Digits are named "0" … "9": there a name and an index mean the same.
        if text.lstrip("-").isdigit():
            index = int(text)
            if 0 <= index < count:
                return index
            raise UsageError(f"{self.name} has the classes 0 to {count - 1}; there is no {index}.")
        if len(matches) == 1:
            return matches[0]
        if matches:
            indices = " and ".join(map(str, matches))
            raise UsageError(
                f"Several classes are called “{text}”: name one by its index {indices}."
            )
        names = {name.lower(): name for name in self.class_names}
        near = difflib.get_close_matches(text.lower(), names, n=3)
        near += [name for name in names if text.lower() in name and name not in near][:3]
        hint = (
            f" Did you mean {', '.join(f'“{names[name]}”' for name in near[:3])}?" if near else ""
        )
        raise UsageError(f"{self.name} knows no class “{text}”.{hint}")

"""What is explained: a network with all that is needed to ask it about an image."""

import difflib
import hashlib
import json
import logging
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers.behaviour import check_behaviour, in_eval_mode
from pda_studio.classifiers.fingerprints import bytes_of_weights
from pda_studio.classifiers.graph import NotTraceable, refuse_untraceable
from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.settings import PdaSettings
from pda_studio.classifiers.sizes import check_memory, multiple_of_sizes, refused_size, size_note
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import View
from pda_studio.images.fit import CropBox, Fit
from pda_studio.targets import (
    UNITS,
    ClassTarget,
    ContrastTarget,
    OutputKind,
    OutputTarget,
    Target,
    UnitTarget,
    as_json,
)

if TYPE_CHECKING:
    from pda_studio.classifiers.architectures import Fits

_log = logging.getLogger(__name__)

_NUMBER = re.compile(r"-?[0-9]{1,18}")
_INDEX = re.compile(r"index:[0-9]{1,18}")


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network in eval mode, its preprocessing, its class names, and where it runs.

    Of a network in train mode it holds a copy in eval mode, which shares its weights.

    Attributes
    ----------
    name : str
        Its name in the catalogue.
    network : torch.nn.Module
        Maps a normalised batch (N, C, H, W) to outputs (N, K), before any softmax or sigmoid.
    preprocessing : Preprocessing
        From an image to the network's input, with the inverse mapping.
    class_names : tuple of str
        Of the K outputs.
    device : torch.device
        Where the network lives.
    weights : str
        Where its weights came from, for captions and metadata.
    settings : PdaSettings
        What suits it.
    output : {"softmax", "sigmoid", "scalar", "activation"}
        How its outputs are read.
    about : str
        What was said of a network that is not in the catalogue: it takes part in the fingerprint.
    target : Target or None
        Where the network was made to score one target by `scored`: that target.
    fits : Fits or None
        Of weights in a file: which networks they fit, this one first.
    runtime : callable or None
        Of a network that was converted: how far its outputs are from those of the runtime that it
        was made for, over the largest output, to a prepared image (1, C, H, W).
    batch_sizes : dict
        The fastest batch size found so far, by kind of forward: learnt while working.
    own_fit : {"crop", "stretch", "pad", "full"}, optional
        The fit that it was opened with, where another was chosen.
    measured : dict
        What was counted of the network once, by name: `sizes` has it.
    """

    name: str
    network: nn.Module
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    device: torch.device
    weights: str
    settings: PdaSettings = field(default_factory=PdaSettings)
    output: OutputKind = "softmax"
    about: str = ""
    target: Target | None = None
    fits: "Fits | None" = None
    runtime: Callable[[torch.Tensor], float] | None = None
    batch_sizes: dict[str, int] = field(default_factory=dict)
    own_fit: Fit | None = None
    measured: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", in_eval_mode(self.name, self.network))

    def with_fit(
        self, fit: Fit | None, crop: CropBox | tuple[int, int, int, int] | None = None
    ) -> Self:
        """The same network with another model input: see `Preprocessing`; None is its own fit.

        Parameters
        ----------
        fit : {"crop", "stretch", "pad", "full"}, optional
            What of an image becomes the model input.
        crop : (int, int, int, int), optional
            Left, top, width and height of the rectangle that does, with the fit `crop`.

        Raises
        ------
        UsageError
            If a crop is named for another fit, or the network takes images of one size alone, none
            at full resolution.
        """
        before = self.preprocessing
        fit = fit or ("crop" if crop is not None else self.own_fit or before.fit)
        if crop is not None and fit != "crop":
            raise UsageError(f"A crop cannot be had with the fit {fit}: leave either out.")
        box = None if crop is None else CropBox(*crop)
        if (fit, box) == (before.fit, before.crop):
            return self
        changes: dict[str, object] = {"fit": fit, "crop": box, "usual": None, "multiple": 1}
        changes["size"] = before.usual_size
        made = self._with_preprocessing(before.model_copy(update=changes))
        if fit == "full":
            changes["multiple"] = multiple_of_sizes(made)
            return self._with_preprocessing(before.model_copy(update=changes))
        return made

    def taking(self, size: tuple[int, int]) -> Self:
        """The same network for model inputs of this height and width, with the fit `full`.

        Raises
        ------
        UsageError
            If that takes more memory than there is.
        """
        before = self.preprocessing
        if before.fit != "full" or before.size == size:
            return self
        changes = {"size": size, "usual": before.usual_size}
        made = self._with_preprocessing(before.model_copy(update=changes))
        check_memory(made)
        return made

    def _with_preprocessing(self, preprocessing: Preprocessing) -> Self:
        same_size = preprocessing.size == self.preprocessing.size
        sizes = dict(self.batch_sizes) if same_size else {}
        own = self.own_fit or self.preprocessing.fit
        made = replace(self, preprocessing=preprocessing, batch_sizes=sizes, own_fit=own)
        if "_of_weights" in vars(self):  # reading all weights takes its time
            vars(made)["_of_weights"] = self._of_weights
        return made

    @property
    def has_probabilities(self) -> bool:
        """Whether its outputs have probabilities, rather than being plain values."""
        return self.output in ("softmax", "sigmoid")

    @property
    def unit(self) -> str:
        """In what its outputs are counted before any probability: logit, value or activation."""
        return UNITS[self.output]

    @cached_property
    def is_traceable(self) -> bool:
        """Whether the network can be followed operation by operation."""
        try:
            refuse_untraceable(self.network)
        except NotTraceable:
            return False
        return True

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model input, in pixels."""
        return self.preprocessing.size

    @property
    def shorter_side(self) -> int:
        """Of the model input, in pixels: windows and their outer patches fit into it."""
        return min(self.preprocessing.size)

    @property
    def size_note(self) -> str:
        """What an image at full resolution costs, in one sentence; "" with any other fit."""
        return size_note(self)

    @cached_property
    def _of_weights(self) -> str:
        """SHA-256 of all weights (hex), and of how outputs are read."""
        digest = hashlib.sha256(self.name.encode())
        digest.update(self.about.encode())
        if self.output != "softmax":  # the same outputs, but read in another way
            digest.update(self.output.encode())
        if self.target is not None:
            digest.update(json.dumps(as_json(self.target), sort_keys=True).encode())
        for part in bytes_of_weights(self.network):
            digest.update(part)
        return digest.hexdigest()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all weights (hex): the same for the same network, whatever the file.

        How outputs are read and the input is made counts, but no rectangle of a single image.
        """
        fit = self.preprocessing.fit
        if fit == "crop":
            return self._of_weights
        return hashlib.sha256(f"{self._of_weights} fit {fit}".encode()).hexdigest()

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise pixels (N, C, H, W) in [0, 1] and move them to where the network lives."""
        normalised = self.preprocessing.normalise(pixels.to(self.device))
        return normalised.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def logits(self, prepared: torch.Tensor) -> torch.Tensor:
        """Score a prepared batch (N, C, H, W); returns outputs (N, K) on the same device."""
        logits: torch.Tensor = self.network(prepared)
        return logits

    def read(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn outputs (N, K) into what they say: probabilities, or plain values as they are."""
        if self.output == "softmax":
            return torch.softmax(logits, -1)
        return torch.sigmoid(logits) if self.output == "sigmoid" else logits

    def predict(self, view: View) -> NDArray[np.float64]:
        """Return the probability of each class (K,), or each plain value, for a view (H, W, 3).

        Raises
        ------
        PdaStudioError
            If the network's answer is not finite, or it behaves in a way that spoils maps.
        UsageError
            If it cannot be run on an image of this size.
        """
        prepared = self.prepare(self.preprocessing.pixels(view)[None])
        sized = self.taking((view.shape[0], view.shape[1]))
        try:
            answer = self.logits(prepared.clone())
        except Exception as error:  # whatever a network of somebody else's raises
            if self.preprocessing.fit != "full":
                raise
            raise refused_size(sized, error) from error
        check_behaviour(self.name, self.network, len(self.class_names), prepared, answer)
        logits = answer[0].cpu().double()
        if not bool(torch.isfinite(logits).all()):
            raise PdaStudioError(
                f"{self.name} answers with values that are not finite; its weights ({self.weights})"
                " are damaged or do not fit: try another file."
            )
        said: NDArray[np.float64] = self.read(logits).numpy()
        return said

    def runtime_difference(self, view: View) -> float | None:
        """How far a converted network answers to a view from the runtime that it was made for.

        Returns
        -------
        float or None
            Largest difference of outputs, over the largest output; None if it was not converted,
            or the runtime is not installed.

        Raises
        ------
        PdaStudioError
            If it is so large that the conversion is wrong.
        """
        if self.runtime is None:
            return None
        return self.runtime(self.prepare(self.preprocessing.pixels(view)[None]))

    def target_of(self, wanted: int | str | Target) -> Target:
        """Find the target that an index or a name of a class means; a target stays what it is.

        Raises
        ------
        UsageError
            If there is no such class, or several bear the name.
        """
        if isinstance(wanted, ContrastTarget | UnitTarget | OutputTarget):
            return wanted
        index = self.class_index(wanted.index if isinstance(wanted, ClassTarget) else wanted)
        return ClassTarget(index) if self.output == "softmax" else OutputTarget(index)

    def class_index(self, wanted: int | str) -> int:
        """Find a class by its index or its name, whatever the case.

        A text that is a class's name is that class, also where it is a number; any other number,
        and one after “index:”, is an index. Where a number's name and index are two classes, a
        warning says which one is taken.

        Raises
        ------
        UsageError
            If there is no such class, or several bear the name.
        """
        if not isinstance(wanted, str):
            return self._checked(operator.index(wanted))
        text = wanted.strip()
        if _INDEX.fullmatch(text):
            return self._checked(int(text[len("index:") :]))
        matches = [i for i, name in enumerate(self.class_names) if name.lower() == text.lower()]
        is_number = _NUMBER.fullmatch(text) is not None
        if len(matches) == 1:
            named = matches[0]
            if is_number and int(text) != named and 0 <= int(text) < len(self.class_names):
                _log.warning(
                    "“%s” is taken as the class of that name, whose index is %d; for the class with"
                    " the index %s (“%s”) write index:%s.",
                    *(text, named, text, self.class_names[int(text)], text),
                )
            return named
        if matches:
            prefix = "index:" if any(str(index) in self.class_names for index in matches) else ""
            indices = " or ".join(f"{prefix}{index}" for index in matches)
            raise UsageError(
                f"{len(matches)} classes are called “{text}”: name one by its index, {indices}."
            )
        if is_number:
            return self._checked(int(text))
        names = {name.lower(): name for name in self.class_names}
        near = difflib.get_close_matches(text.lower(), names, n=3)
        near += [name for name in names if text.lower() in name and name not in near][:3]
        hint = (
            f" Did you mean {', '.join(f'“{names[name]}”' for name in near[:3])}?" if near else ""
        )
        raise UsageError(f"{self.name} knows no class “{text}”.{hint}")

    def _checked(self, index: int) -> int:
        count = len(self.class_names)
        if not 0 <= index < count:
            has = f"the classes 0 to {count - 1}" if count > 1 else "a single output, 0"
            raise UsageError(f"{self.name} has {has}; there is no {index}.")
        return index

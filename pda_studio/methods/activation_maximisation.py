"""Activation maximisation: an image that the target answers to most strongly."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.generator import load_generator, shipped_generator
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import load_image
from pda_studio.methods.base import Family, Method, Progress, parameter
from pda_studio.methods.canvas import Canvas, Code, Pixels
from pda_studio.methods.evidence import EvidenceMap, Subject

_MOST_BYTES = 1 << 29  # of a saved map, unpacked


class ActivationMaximisation(Method):
    """Climb the gradient of the target's logit (or of a hidden unit), and hold to images.

    With x the normalised image of D values, each step goes along the gradient of
    ``S(x) − λ ‖x‖² / D`` (Simonyan's, with the norm as a mean), a step of fixed root mean square;
    then x ← (1 − θ) x, and blur and clipping follow (Yosinski's). Through a generator G (Nguyen's)
    the same is done to the code z of the image G(z), without blur and clipping.
    """

    name: ClassVar[str] = "activation-maximisation"
    has_evidence: ClassVar[bool] = False
    title: ClassVar[str] = "Activation maximisation"
    family: ClassVar[Family] = "Neurons"
    summary: ClassVar[str] = (
        "Makes an image that the target answers to most strongly; it has no evidence for pixels."
    )
    citation: ClassVar[str] = (
        "Simonyan et al., Deep inside convolutional networks, 2013; Yosinski et al., Understanding"
        " neural networks through deep visualization, 2015; Nguyen et al., Synthesizing the"
        " preferred inputs for neurons, NIPS 2016"
    )

    through: Literal["pixels", "generator"] = parameter(
        "pixels",
        "Through",
        "What is changed: the pixels, or the code that a generator makes an image from.",
    )
    generator: Path | None = parameter(
        None,
        "Generator",
        "A file made as packaging/make_digit_generator.py does; without it, the one that ships for"
        " digits.",
    )
    begin: Literal["noise", "picture"] = parameter(
        "noise", "Begin", "What is changed first: noise, or the image."
    )
    start: Path | None = parameter(
        None,
        "Go on from",
        "A saved map of this method (.npz) or an image, to go on from there instead.",
    )
    climb: int = parameter(
        200, "Steps", "How many steps are taken up the gradient.", ge=1, le=10000
    )
    step_size: float = parameter(
        0.1,
        "Step size",
        "Root mean square change of a step, in standard deviations of the pixels or the code.",
        step=0.01,
        ge=0.001,
        le=2,
    )
    l2: float = parameter(
        1.0,
        "L2",
        "How much the mean square of the pixels or the code counts against the target (Simonyan).",
        step=0.1,
        ge=0,
        le=1000,
    )
    decay: float = parameter(
        0.0001,
        "Decay",
        "Share by which everything shrinks towards the mean colour at each step (Yosinski).",
        step=0.001,
        ge=0,
        le=0.5,
    )
    blur_every: int = parameter(
        4,
        "Blur every",
        "Steps from one Gaussian blur to the next; 0 for none.",
        unit="steps",
        ge=0,
        le=100,
    )
    blur_width: float = parameter(
        1.0,
        "Blur width",
        "Standard deviation of the Gaussian blur.",
        unit="pixels",
        step=0.1,
        ge=0,
        le=10,
    )
    clip_norm: float = parameter(
        0.0,
        "Clip by norm",
        "Share of the pixels, those nearest to the mean colour, that are set to it.",
        unit="%",
        step=5,
        ge=0,
        le=99,
    )
    clip_contribution: float = parameter(
        0.0,
        "Clip by contribution",
        "Share of the pixels, those that contribute least, that are set to the mean colour.",
        unit="%",
        step=5,
        ge=0,
        le=99,
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same noise.", ge=0, le=2**32 - 1)

    def unheeded(self) -> frozenset[str]:
        """Regularisers of pixels where a generator makes them, and what a start makes needless."""
        found = set()
        if self.through == "generator":
            found |= {"blur_every", "blur_width", "clip_norm", "clip_contribution"}
        else:
            found |= {"generator"}
        if self.start is not None:
            found |= {"begin"}
        if self.start is not None or self.begin == "picture":
            found |= {"seed"}
        return frozenset(found)

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, float]:
        """A blur that leaves strokes of small images standing."""
        return {"blur_width": 0.5} if classifier.input_size < 64 else {}

    def cost(self, subject: Subject) -> int:
        """A forward and a backward pass a step, which takes about as long as three."""
        return 3 * self.climb

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Take one step up the gradient after another."""
        began = perf_counter()
        with torch.inference_mode(False), torch.enable_grad():
            canvas = self._canvas(subject.classifier)
            values = self._first(canvas, subject)
        first = values
        for done in range(1, self.climb + 1):
            with torch.inference_mode(False), torch.enable_grad():
                values = self._climbed(canvas, values, subject, done)
            seconds = perf_counter() - began
            yield Progress(
                done,
                self.climb,
                lambda values=values, done=done, seconds=seconds: self._map(  # type: ignore[misc]
                    subject, canvas, first, values, done, seconds
                ),
            )

    def _canvas(self, classifier: Classifier) -> Canvas:
        if self.through == "pixels":
            return Pixels(
                classifier,
                self.blur_every,
                self.blur_width,
                self.clip_norm,
                self.clip_contribution,
            )
        found = load_generator(self.generator) if self.generator else shipped_generator(classifier)
        return Code(classifier, found.to(classifier.device))

    def _first(self, canvas: Canvas, subject: Subject) -> torch.Tensor:
        classifier = subject.classifier
        if self.start is None and self.begin == "noise":
            return canvas.noise(torch.Generator().manual_seed(self.seed))
        view = subject.view if self.start is None else _image_of(self.start, classifier)
        return canvas.of(classifier.prepare(classifier.preprocessing.pixels(view)[None]))

    def _climbed(
        self, canvas: Canvas, values: torch.Tensor, subject: Subject, done: int
    ) -> torch.Tensor:
        """One step: values (1, …) after it."""
        leaf = values.detach().clone().requires_grad_()
        # Some networks write over what they are given.
        logit = subject.classifier.network(canvas.prepared(leaf).clone())[0, subject.target]
        (gradient,) = torch.autograd.grad(logit, leaf)
        values = values.detach()
        up = gradient - 2 * self.l2 * values / values.numel()
        size = up.square().mean().sqrt()
        if not bool(torch.isfinite(size)):
            raise PdaStudioError(
                f"The gradient of {subject.classifier.name} is not finite here: choose a smaller"
                " step size."
            )
        if size > 0:  # where a unit is silent, nothing says which way is up
            values = values + self.step_size * up / size
        return canvas.kept_within((1 - self.decay) * values, gradient, done)

    def _map(
        self,
        subject: Subject,
        canvas: Canvas,
        first: torch.Tensor,
        values: torch.Tensor,
        done: int,
        seconds: float,
    ) -> EvidenceMap:
        """The image as it is now, and what the classifier says of it."""
        classifier = subject.classifier
        image, before = _view(canvas, values, classifier), _view(canvas, first, classifier)
        return self.map_of(
            subject,
            np.zeros(image.shape[:2]),
            "activation" if classifier.is_hidden else "logit",
            seconds,
            complete=done == self.climb,
            forward=_told(subject, before, image, done),
            image=image,
        )


@torch.inference_mode()
def _view(canvas: Canvas, values: torch.Tensor, classifier: Classifier) -> NDArray[np.uint8]:
    """Draw values as an image (H, W, 3) uint8."""
    preprocessing = classifier.preprocessing
    mean, std = (
        torch.tensor(numbers)[:, None, None] for numbers in (preprocessing.mean, preprocessing.std)
    )
    pixels = canvas.prepared(values)[0].cpu() * std + mean
    view = (255 * pixels).round().clamp(0, 255).byte().expand(3, -1, -1).permute(1, 2, 0)
    return np.ascontiguousarray(view.numpy())


def _told(subject: Subject, before: NDArray[np.uint8], after: NDArray[np.uint8], done: int) -> str:
    """What the classifier says of the first image and of the one that is shown."""
    classifier = subject.classifier
    pixels = torch.stack([classifier.preprocessing.pixels(view) for view in (before, after)])
    logits = classifier.logits(classifier.prepare(pixels)).cpu()
    first, last = logits[:, subject.target].tolist()
    steps = f"{done} step{'s' if done > 1 else ''}"
    if classifier.is_hidden:
        return f"activation from {first:.3g} to {last:.3g} in {steps}"
    probability = float(logits[1].softmax(0)[subject.target])
    return f"logit from {first:.3g} to {last:.3g} in {steps}, probability {100 * probability:.1f} %"


def _image_of(path: Path, classifier: Classifier) -> NDArray[np.uint8]:
    """Read the image to go on from, as the network sees it."""
    image = _made_image(path) if path.suffix.lower() == ".npz" else load_image(path)
    side = classifier.input_size
    if image.shape[:2] == (side, side):
        return image  # it was made as the network sees it
    return classifier.preprocessing.view(image)


def _made_image(path: Path) -> NDArray[np.uint8]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ValueError("too large for a map")
        with np.load(path, allow_pickle=False) as arrays:
            if "picture" not in arrays:
                raise UsageError(
                    f"The map {path.name} holds no made image: name one of"
                    f" {ActivationMaximisation.name}."
                )
            image: NDArray[np.uint8] = arrays["picture"]
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError("no image")
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise PdaStudioError(f"Cannot read {path}: it is no map of PDA Studio.") from error
    return image

"""The work of activation maximisation: steps up the gradient, held to images."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.canvas import Canvas, Code, Pixels
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.generator import shipped_generator
from pda_studio.classifiers.own_generator import generator_of
from pda_studio.diagnostics import Ascent
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import View, load_image
from pda_studio.methods.activation_maximisation import ActivationMaximisation
from pda_studio.methods.base import Progress
from pda_studio.reading import arrays_of, refused_as
from pda_studio.results import MadeImage, Subject

_MOST_BYTES = 1 << 29  # of a saved map, unpacked


def steps(method: ActivationMaximisation, subject: Subject) -> Iterator[Progress[MadeImage]]:
    """Take one step up the gradient after another."""
    began = perf_counter()
    with torch.inference_mode(False), torch.enable_grad():
        canvas = _canvas(method, subject.scored)
        values = _first(method, canvas, subject)
    first = values
    for done in range(1, method.climb + 1):
        with torch.inference_mode(False), torch.enable_grad():
            values = _climbed(method, canvas, values, subject, done)
        seconds = perf_counter() - began
        yield Progress(
            done,
            method.climb,
            lambda values=values, done=done, seconds=seconds: _map(  # type: ignore[misc]
                method, subject, canvas, first, values, done, seconds
            ),
        )


def _canvas(method: ActivationMaximisation, classifier: Classifier) -> Canvas:
    if method.through == "pixels":
        return Pixels(
            classifier,
            method.blur_every,
            method.blur_width,
            method.clip_norm,
            method.clip_contribution,
        )
    if method.generator is None:
        return Code(classifier, shipped_generator(classifier).to(classifier.device))
    return Code(classifier, generator_of(method.generator, classifier).to(classifier.device))


def _first(method: ActivationMaximisation, canvas: Canvas, subject: Subject) -> torch.Tensor:
    classifier = subject.scored
    if method.start is None and method.begin == "noise":
        return canvas.noise(torch.Generator().manual_seed(method.seed))
    view = subject.view if method.start is None else _image_of(method.start, classifier)
    return canvas.of(classifier.prepare(classifier.preprocessing.pixels(view)[None]))


def _climbed(
    method: ActivationMaximisation,
    canvas: Canvas,
    values: torch.Tensor,
    subject: Subject,
    done: int,
) -> torch.Tensor:
    """One step: values (1, …) after it."""
    leaf = values.detach().clone().requires_grad_()
    with differentiable(subject.scored.name, method.title):
        # Some networks write over what they are given.
        logit = subject.scored.network(canvas.prepared(leaf).clone())[0, subject.index]
        (gradient,) = torch.autograd.grad(logit, leaf)
    values = values.detach()
    up = gradient - 2 * method.l2 * values / values.numel()
    size = up.square().mean().sqrt()
    if not bool(torch.isfinite(size)):
        raise PdaStudioError(
            f"The gradient of {subject.scored.name} is not finite here: choose a smaller step size."
        )
    if size > 0:  # where a unit is silent, nothing says which way is up
        values = values + method.step_size * up / size
    return canvas.kept_within((1 - method.decay) * values, gradient, done)


def _map(
    method: ActivationMaximisation,
    subject: Subject,
    canvas: Canvas,
    first: torch.Tensor,
    values: torch.Tensor,
    done: int,
    seconds: float,
) -> MadeImage:
    """The image as it is now, and what the classifier says of it."""
    classifier = subject.scored
    image, before = _view(canvas, values, classifier), _view(canvas, first, classifier)
    return MadeImage(
        image=image,
        finished=done == method.climb,
        unit=classifier.unit,
        seconds=seconds,
        diagnostics=(_ascent(subject, before, image, done),),
        **subject.described(method),
    )


@torch.inference_mode()
def _view(canvas: Canvas, values: torch.Tensor, classifier: Classifier) -> NDArray[np.uint8]:
    """Draw values as an image (H, W, 3) uint8."""
    pixels = classifier.preprocessing.denormalise(canvas.prepared(values)[0].cpu())
    view = (255 * pixels).round().clamp(0, 255).byte().expand(3, -1, -1).permute(1, 2, 0)
    return np.ascontiguousarray(view.numpy())


def _ascent(
    subject: Subject, before: NDArray[np.uint8], after: NDArray[np.uint8], done: int
) -> Ascent:
    """What the classifier says of the first image and of the one that is shown."""
    classifier = subject.scored
    pixels = torch.stack([classifier.preprocessing.pixels(view) for view in (before, after)])
    logits = classifier.logits(classifier.prepare(pixels)).cpu()
    first, last = logits[:, subject.index].tolist()
    probability = None
    if classifier.has_probabilities:
        probability = float(classifier.read(logits[1])[subject.index])
    return Ascent(classifier.unit, first, last, done, probability)


def _image_of(path: Path, classifier: Classifier) -> View:
    """Read the image to go on from, as the network sees it."""
    image = _made_image(path) if path.suffix.lower() == ".npz" else load_image(path)
    if image.shape[:2] == classifier.input_size:
        return image  # it was made as the network sees it
    return classifier.preprocessing.view(image)


def _made_image(path: Path) -> NDArray[np.uint8]:
    damaged = f"Cannot read {path}: it is damaged or no map of PDA Studio; choose another file."
    if not path.is_file():
        raise PdaStudioError(f"Cannot read {path}: no map of PDA Studio is there; check the name.")
    with refused_as(damaged, path), path.open("rb") as file:
        arrays = arrays_of(file, _MOST_BYTES)
    if "picture" not in arrays:
        raise UsageError(
            f"The map {path.name} holds no made image: name one of {ActivationMaximisation.name}."
        )
    image: NDArray[np.uint8] = arrays["picture"]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise PdaStudioError(damaged)
    return image

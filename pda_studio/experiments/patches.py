"""Do the patches that excite important neurons matter? Lengerich et al., §5.1 and §5.3.

For each metric, the patches of the most important neurons are cut out of every image. A small
network learns to tell the class of the image from one patch; the better it does on images that
it has not seen, the more the patches hold. Where masks of the objects are at hand, the share of
patches that hold a part of the object is counted, too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional as F

from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.neurons import Patch, layers_of, patches_of, ranking_of
from pda_studio.attribution.ranking import METRICS
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.images import Image as OpenedImage
from pda_studio.images import Pixels, load_image, read_image, shown_pixels
from pda_studio.methods.neurons import Metric, Neurons
from pda_studio.pda.infill.folders import images_in
from pda_studio.results import Subject

HELD_OUT = 0.25
"""Share of the images that nothing is learnt from."""

_BATCH = 128
_STEPS = 4  # of a training, by which its time is told
_LEARNING_RATE = 1e-3
_WIDTH = 64  # maps of each layer of the small network, as in the paper
_FOUND = 128  # of a mask's pixels, from 0 to 255: from here on they are the object's


@dataclass(frozen=True)
class Images:
    """Images in a folder of folders, one for each class.

    Attributes
    ----------
    paths : list of Path
        The images.
    labels : list of int
        Their classes.
    class_names : list of str
        Names of the folders.
    masks : list of Path or None
        For each image, where its object is: an image of the same size, white there.
    """

    paths: list[Path]
    labels: list[int]
    class_names: list[str]
    masks: list[Path] | None = None

    @classmethod
    def of(cls, folder: Path, masks: Path | None = None) -> "Images":
        """List the images of a folder, and their masks, which bear the same names.

        Raises
        ------
        UsageError
            If there are fewer than two classes or a mask is missing.
        """
        paths = [path for path in images_in(folder) if path.parent != folder]
        classes = [path.relative_to(folder).parts[0] for path in paths]
        names = sorted(set(classes))
        if len(names) < 2:
            raise UsageError(
                f"{folder} must hold a folder of images for each of at least two classes."
            )
        found = None
        if masks is not None:
            found = [masks / path.relative_to(folder) for path in paths]
            missing = next((path for path in found if not path.is_file()), None)
            if missing is not None:
                raise UsageError(f"There is no mask {missing}: each image needs one.")
        return cls(paths, [names.index(name) for name in classes], names, found)


@dataclass(frozen=True)
class PatchScore:
    """What the patches of one metric are worth.

    Attributes
    ----------
    metric : str
        What chose the neurons.
    patches : int
        How many patches there are of all images.
    accuracy : float
        Share of the held-out images' patches that the small network takes for the right class.
    localisation : float or None
        Share of the patches that hold a part of the object.
    overlap : float
        Jaccard index of the metric's neurons with those of activation precision, the mean over
        images.
    """

    metric: Metric
    patches: int
    accuracy: float
    localisation: float | None
    overlap: float


@dataclass(frozen=True)
class _Cut:
    """A patch cut out of an image, and where it came from."""

    pixels: NDArray[np.uint8]
    image: int
    on_object: bool


def patch_study(
    classifier: Classifier,
    images: Images,
    method: Neurons,
    *,
    metrics: Sequence[Metric] = METRICS,
    side: int | None = None,
    held_out: float = HELD_OUT,
    epochs: int = 10,
    seed: int = 0,
    read: Callable[[Path], OpenedImage] | None = None,
) -> Iterator[tuple[int, list[PatchScore]]]:
    """Cut out patches by each metric and learn from them.

    Parameters
    ----------
    classifier : Classifier
        Whose neurons are ranked, each image for its most likely class.
    images : Images
        The images, and where their objects are.
    method : Neurons
        How many neurons of which layers; its metric plays no part.
    metrics : sequence of str
        Which metrics choose neurons.
    side : int, optional
        Side to which patches are resized, in pixels; without it, 16 where the classifier itself
        takes less than 64, else 32.
    held_out : float
        Share of the images that nothing is learnt from.
    epochs, seed : int
        How long the small network learns, and where chance starts.
    read : callable, optional
        Reads an image; without it, `read_image` does.

    Yields
    ------
    (int, list of PatchScore)
        How much is done, of all images and then all metrics; in the end the scores.
    """
    maps = FeatureMaps.of(classifier)
    side = side or side_of(classifier)
    cuts: dict[Metric, list[_Cut]] = {metric: [] for metric in metrics}
    overlaps: dict[Metric, list[float]] = {metric: [] for metric in metrics}
    for index, path in enumerate(images.paths):
        subject = Subject.of((read or read_image)(path), classifier)
        if subject.classifier is not classifier:  # at full resolution each has its own size
            maps = FeatureMaps.of(subject.classifier)
        mask: Pixels | None = None
        if images.masks is not None:
            view = classifier.preprocessing.view(load_image(images.masks[index]))
            mask = shown_pixels(view)[..., 0]
        for metric, (patches, overlap) in _by_metric(subject, maps, method, metrics).items():
            cuts[metric] += [_cut(patch, subject, index, mask, side) for patch in patches]
            overlaps[metric].append(overlap)
        yield index + 1, []
    order = np.random.default_rng(seed).permutation(len(images.paths))
    unseen = set(order[: max(1, round(held_out * len(order)))].tolist())
    scores: list[PatchScore] = []
    for place, (metric, found) in enumerate(cuts.items()):
        accuracy = _accuracy(found, images, unseen, epochs, seed)
        hits = np.mean([cut.on_object for cut in found]) if found else np.nan
        localisation = None if images.masks is None else float(hits)
        overlap = float(np.mean(overlaps[metric]))
        scores.append(PatchScore(metric, len(found), accuracy, localisation, overlap))
        yield len(images.paths) + place + 1, scores


def side_of(classifier: Classifier) -> int:
    """To which side patches are resized, in pixels."""
    return 16 if classifier.shorter_side < 64 else 32


def training_seconds(classifier: Classifier, classes: int, patches: int, epochs: int) -> float:
    """How long the small network learns from so many patches, by a few of its steps."""
    side = side_of(classifier)
    times = []
    for steps in (1, 1, 1 + _STEPS):  # the first prepares what is prepared once
        x = torch.zeros(steps * _BATCH, 3, side, side)
        began = perf_counter()
        _learnt(x, torch.zeros(len(x), dtype=torch.long), classes, 1, 0)
        times.append(perf_counter() - began)
    step = max(times[2] - times[1], 0.0) / _STEPS
    return times[1] + step * epochs * (1 - HELD_OUT) * patches / _BATCH


def _by_metric(
    subject: Subject, maps: FeatureMaps, method: Neurons, metrics: Sequence[Metric]
) -> dict[Metric, tuple[list[Patch], float]]:
    """Patches that each metric chooses, and how far its neurons are activation precision's.

    The ranking is measured and neurons are projected once.
    """
    ranking = ranking_of(method, subject, maps)
    layers = layers_of(method, ranking)
    chosen = {metric: ranking.top(metric, method.top, layers) for metric in metrics}
    by_place = {(n.layer, n.channel): n for neurons in chosen.values() for n in neurons}
    projected = {
        (patch.neuron.layer, patch.neuron.channel): patch
        for patch in patches_of(subject, maps, list(by_place.values()))
    }
    return {
        metric: (
            [
                patch
                for neuron in neurons
                if (patch := projected[neuron.layer, neuron.channel]).box is not None
            ],
            ranking.overlap(metric, "activation-precision", method.top, layers),
        )
        for metric, neurons in chosen.items()
    }


def _cut(
    patch: Patch, subject: Subject, index: int, mask: NDArray[np.uint8] | None, side: int
) -> _Cut:
    b = patch.box
    assert b is not None
    rows, columns = slice(b.top, b.bottom), slice(b.left, b.right)
    inside = Image.fromarray(np.ascontiguousarray(shown_pixels(subject.view)[rows, columns]))
    pixels = np.asarray(inside.resize((side, side), Image.Resampling.BILINEAR))
    on_object = mask is not None and bool((mask[rows, columns] >= _FOUND).any())
    return _Cut(pixels, index, on_object)


def _accuracy(cuts: list[_Cut], images: Images, unseen: set[int], epochs: int, seed: int) -> float:
    """Share of unseen images' patches that are classified correctly; NaN where there are none."""
    seen = [cut for cut in cuts if cut.image not in unseen]
    others = [cut for cut in cuts if cut.image in unseen]
    if not seen or not others:
        return float("nan")
    x, y = _tensors(seen, images)
    network = _learnt(x, y, len(images.class_names), epochs, seed)
    x, y = _tensors(others, images)
    with torch.inference_mode():
        found = torch.cat([network(some).argmax(1) for some in torch.split(x, 1000)])
    return float((found == y).float().mean())


def _tensors(cuts: list[_Cut], images: Images) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = np.stack([cut.pixels for cut in cuts])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5
    return x, torch.tensor([images.labels[cut.image] for cut in cuts])


def _learnt(x: torch.Tensor, y: torch.Tensor, classes: int, epochs: int, seed: int) -> nn.Module:
    """Train the paper's small network: three layers of 64 maps, max-pooling in between."""
    side = x.shape[-1] // 4
    with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(3, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(_WIDTH * side * side, classes),
        ).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
        for _ in range(epochs):
            for some in torch.split(torch.randperm(len(y)), _BATCH):
                optimizer.zero_grad()
                F.cross_entropy(network(x[some]), y[some]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return network.eval()

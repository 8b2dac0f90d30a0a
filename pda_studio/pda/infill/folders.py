"""Folders of images: to fit statistics to, and to draw marginal samples from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pda_studio.classifiers import Preprocessing
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import DisplayLimits, View, read_image
from pda_studio.images.formats import is_named_as_image

NATURAL_VIEW = Preprocessing(resize=256, size=(224, 224), mean=(0, 0, 0), std=(1, 1, 1))
"""How most ImageNet networks see an image, before normalisation."""
GREY_VIEW = NATURAL_VIEW.model_copy(update={"mean": (0.0,), "std": (1.0,)})
"""The same in grey."""

_MOST_REFERENCES = 1000  # kept in memory, 150 kB each at 224×224


def images_in(folder: Path) -> list[Path]:
    """Files of images in a folder and below it, in a fixed order.

    Raises
    ------
    PdaStudioError
        If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise PdaStudioError(f"There is no folder of images at {folder}.")
    found = sorted(path for path in folder.rglob("*") if is_named_as_image(path.name))
    if not found:
        raise PdaStudioError(f"The folder {folder} holds no images.")
    return found


def views_in(
    folder: Path, preprocessing: Preprocessing, limits: DisplayLimits | None = None
) -> Iterator[View]:
    """Every image of a folder as a network gets it, (H, W, C), with as many channels.

    Parameters
    ----------
    folder : Path
        With images in it and below it.
    preprocessing : Preprocessing
        The network's.
    limits : DisplayLimits, optional
        Which values are black and white in all images; without them, each has its own.
    """
    for path in images_in(folder):
        image = read_image(path)
        channels = preprocessing.channels
        if channels not in (1, 3, image.channels):
            raise UsageError(
                f"{path} has {image.channels} channels, and the classifier takes {channels}:"
                " take it out of the folder."
            )
        view = preprocessing.view(image if limits is None else image.with_limits(limits))
        yield view[..., :channels]


def load_references(folder: Path, preprocessing: Preprocessing, seed: int) -> View:
    """Images to draw marginal samples from, (n, H, W, C); of many, a random thousand."""
    paths = images_in(folder)
    if len(paths) > _MOST_REFERENCES:
        chosen = np.random.default_rng(seed).choice(len(paths), _MOST_REFERENCES, replace=False)
        paths = [paths[index] for index in sorted(chosen)]
    views = [preprocessing.view(read_image(path)) for path in paths]
    if any(view.dtype != np.uint8 for view in views):
        views = [preprocessing.pixels(view).permute(1, 2, 0).numpy() for view in views]
    return np.stack(views)[..., : preprocessing.channels]

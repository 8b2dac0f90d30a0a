"""Which images of a folder excite a hidden unit most, where, and an image that is made for it.

Zhou & Kainz, Efficient image evidence analysis, Fig. 3, after Zeiler & Fergus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pda_studio.attribution.layers_with_places import layer_with_places
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.layers import activations
from pda_studio.errors import UsageError
from pda_studio.experiments.charts import CHART_STYLE
from pda_studio.experiments.expected import later_pace
from pda_studio.experiments.map_work import MapStep, SubjectInput
from pda_studio.experiments.matrices import INK
from pda_studio.figures.saving import DPI
from pda_studio.images import View, shown_pixels
from pda_studio.methods import method_named
from pda_studio.methods.base import one_at_a_time
from pda_studio.results import MadeImage, Subject
from pda_studio.store.numbers import KeptNumbers, Numbers
from pda_studio.targets import UnitTarget

_COLUMNS, _SIDE = 5, 1.35  # images side by side, and inches of each
_LONGEST = 24  # characters of a name
_FRAME = "#f5c211"


@dataclass(frozen=True, eq=False)
class Excited:
    """An image and how strongly it excites the unit.

    Attributes
    ----------
    name : str
        Of the image.
    subject : Subject
        As the network sees it.
    activation : float
        The largest of the map.
    row, column : int
        Where in the map that is.
    box : (int, int, int, int) or None
        Left, top, width and height of what that place sees, in pixels; None if not asked yet.
    """

    name: str
    subject: Subject
    activation: float
    row: int
    column: int
    box: tuple[int, int, int, int] | None = None

    @property
    def view(self) -> View:
        """The image as the network sees it."""
        return self.subject.view


@dataclass(frozen=True, eq=False)
class TopImages:
    """What has been found so far.

    Attributes
    ----------
    layer : str
        The unit's layer.
    unit : int
        Which of its maps.
    count : int
        How many images have been looked at.
    top : tuple of Excited
        The strongest, the first one first.
    made : NDArray or None
        (H, W, 3) uint8: an image made for the unit, once it is.
    """

    layer: str
    unit: int
    count: int = 0
    top: tuple[Excited, ...] = ()
    made: NDArray[np.uint8] | None = None


def top_images(
    classifier: Classifier,
    subjects: Sequence[SubjectInput],
    layer: str,
    unit: int,
    *,
    most: int,
    climb: int,
    seed: int,
) -> Iterator[tuple[MapStep, TopImages]]:
    """Look at one image after the other, then make one.

    Parameters
    ----------
    classifier : Classifier
        The network.
    subjects : sequence of SubjectInput
        The images.
    layer : str
        A layer with maps, or auto for the last one.
    unit : int
        Which of its maps; −1 for the one that is strongest in the first image.
    most : int
        How many images are kept.
    climb, seed : int
        Steps of activation maximisation, 0 for none, and where its noise starts.

    Yields
    ------
    MapStep, TopImages
        After each image, what is known.

    Raises
    ------
    UsageError
        If the layer has no maps, or no such unit.
    """
    name, _ = layer_with_places(classifier, layer, "The study of top images")
    total, found = len(subjects) + climb, TopImages(name, unit)
    kept, first = KeptNumbers("top-images", {"layer": name}), None
    began = perf_counter()
    for number, image in enumerate(subjects, 1):
        subject = image.load()
        first = first or subject
        numbers = kept.find(subject)
        if numbers is None:
            numbers = _strongest(activations(subject.classifier, subject.view, name))
            kept.keep(subject, numbers)
        count = len(numbers["means"])
        if found.unit < 0:
            found = replace(found, unit=int(numbers["means"].argmax()))
        if found.unit >= count:
            raise UsageError(f"{name} has the maps 0 to {count - 1}; there is no {found.unit}.")
        row, column = (int(place) for place in numbers["places"][found.unit])
        largest = float(numbers["largest"][found.unit])
        new = Excited(image.name, subject, largest, row, column)
        ranked = sorted((*found.top, new), key=lambda each: -each.activation)[:most]
        found = replace(found, count=number, top=tuple(ranked))
        left = (perf_counter() - began) / number * (len(subjects) - number)
        yield MapStep(number, total, image.name, None if climb else left), found
    boxes = []
    for one in found.top:
        seen = kept.find(one.subject, seen=found.unit)
        if seen is None:
            box = _seen(classifier, name, found.unit, one)
            seen = {"box": np.array(box or (), np.int64)}
            kept.keep(one.subject, seen, seen=found.unit)
        boxes.append(replace(one, box=tuple(seen["box"].tolist()) or None))
    found = replace(found, top=tuple(boxes))
    yield MapStep(len(subjects), total, "what the unit sees"), found
    if climb and first is not None:
        yield from _making(kept, first, found, climb, seed, len(subjects))


def _strongest(maps: NDArray[np.floating]) -> Numbers:
    """Of each map (M, rows, columns) its mean, its largest activation, and where that is."""
    flat = maps.reshape(len(maps), -1)
    places = np.stack(np.unravel_index(flat.argmax(1), maps.shape[1:]), 1)
    return {"means": flat.mean(1), "largest": flat.max(1), "places": places}


def _making(
    kept: KeptNumbers, subject: Subject, found: TopImages, climb: int, seed: int, before: int
) -> Iterator[tuple[MapStep, TopImages]]:
    part = {"unit": found.unit, "climb": climb, "seed": seed}
    numbers = kept.find(subject, **part)
    if numbers is not None:
        found = replace(found, made=numbers["made"])
        yield MapStep(before + climb, before + climb, "an image", 0.0), found
        return
    method = method_named("activation-maximisation").create(
        subject.classifier, climb=climb, seed=seed
    )
    seen: list[tuple[float, int]] = []
    with one_at_a_time:
        for progress in method.steps(subject.about(UnitTarget(found.layer, found.unit))):
            seen.append((perf_counter(), progress.done))
            pace = later_pace(seen)  # the first step takes longer
            left = None if pace is None else pace * (climb - progress.done)
            if progress.done == climb:
                made = progress.evidence()
                assert isinstance(made, MadeImage)
                found = replace(found, made=made.image)
                kept.keep(subject, {"made": made.image}, **part)
            yield MapStep(before + progress.done, before + climb, "an image", left), found


def _seen(
    classifier: Classifier, layer: str, unit: int, one: Excited
) -> tuple[int, int, int, int] | None:
    """The box of all pixels that the unit depends on at its strongest place; None if on none."""
    results: list[torch.Tensor] = []
    module = classifier.network.get_submodule(layer)
    handle = module.register_forward_hook(lambda *given: results.append(given[-1].clone()))
    try:
        with differentiable():
            image = classifier.prepare(classifier.preprocessing.pixels(one.view)[None])
            leaf = image.detach().clone().requires_grad_()
            classifier.network(leaf.clone())
            value = results[-1][0, unit, one.row, one.column]
            (gradient,) = torch.autograd.grad(value, leaf)
    finally:
        handle.remove()
    rows, columns = np.nonzero(gradient[0].abs().amax(0).cpu().numpy())
    if not len(rows):
        return None
    left, top = int(columns.min()), int(rows.min())
    return left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1


def draw_top_images(found: TopImages) -> Figure:
    """Draw the made image, and the strongest images with what the unit sees of them."""
    tiles: list[tuple[str, NDArray[np.uint8], tuple[int, int, int, int] | None]] = []
    if found.made is not None:
        tiles.append(("made for the unit", found.made, None))
    for one in found.top:
        name = one.name if len(one.name) <= _LONGEST else f"{one.name[: _LONGEST - 1]}…"
        tiles.append((f"{name}\n{one.activation:.3g}", shown_pixels(one.view), one.box))
    rows = -(-len(tiles) // _COLUMNS)
    size = _COLUMNS * _SIDE, rows * (_SIDE + 0.3) + 0.3
    with matplotlib.rc_context(CHART_STYLE):
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        figure.suptitle(f"{found.layer}, map {found.unit}", fontsize=8, color=INK)
        for place, (title, pixels, box) in enumerate(tiles, 1):
            axes = figure.add_subplot(max(rows, 1), _COLUMNS, place)
            axes.imshow(pixels, interpolation="nearest")
            axes.set_title(title, fontsize=5.5, color=INK)
            axes.set_axis_off()
            if box is not None:
                left, top, width, height = box
                corner = left - 0.5, top - 0.5
                frame = Rectangle(corner, width, height, fill=False, ec=_FRAME, lw=1, clip_on=False)
                axes.add_patch(frame)
    return figure

"""Panels of maps: images, classes or layers down; settings, classifiers or feature maps across."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.layers import activations, layers
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.presets import Preset, Setting
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.methods import Method, method_named
from pda_studio.metrics.rank_correlation import rank_correlation
from pda_studio.pda.options import REPEATABLE
from pda_studio.results import EvidenceMap, Subject
from pda_studio.targets import UnitTarget

_STRONGEST: tuple[str, ...] = ("Strongest map", "Second map", "Third map")
_CLASSES = 3  # the likeliest ones
_DEPTHS = (0.0, 0.5, 1.0)  # of the layers that are shown, from the first to the last


@dataclass(frozen=True)
class Making:
    """How the maps of a panel are made.

    Attributes
    ----------
    window, stride : int
        Of prediction difference analysis, in pixels; a window of 0 suits the classifier, a stride
        of 0 is half a window.
    samples, seed : int
        Of stochastic infills.
    """

    window: int = 0
    stride: int = 0
    samples: int = 10
    seed: int = 0

    def method(self, setting: Setting, classifier: Classifier) -> Method:
        """A setting's method with values that suit a classifier.

        Raises
        ------
        UsageError
            If the values do not go together.
        """
        kind = method_named(setting.method)
        sizes: dict[str, Any] = {"window": self.window} if self.window else {}
        window = kind.create(classifier, **sizes).window  # type: ignore[attr-defined]
        values = {
            **sizes,
            "stride": self.stride or max(1, window // 2),
            "samples": self.samples,
            "seed": self.seed,
            **REPEATABLE,
            **setting.values,
        }
        return kind.create(classifier, **values)


@dataclass(frozen=True, eq=False)
class PanelMap:
    """A map and where it stands.

    Attributes
    ----------
    row, column : int
        Its place.
    made : EvidenceMap
        The map.
    method : Method
        What made it.
    """

    row: int
    column: int
    made: EvidenceMap
    method: Method

    @property
    def strength(self) -> float:
        """Root mean square of the evidence."""
        return float(np.sqrt(np.mean(np.square(self.made.evidence, dtype=np.float64))))

    @property
    def half(self) -> float:
        """Share of pixels, the strongest first, that hold half of all absolute evidence."""
        sizes = np.sort(np.abs(self.made.evidence, dtype=np.float64), axis=None)[::-1].cumsum()
        if sizes[-1] == 0:
            return float("nan")
        return float((np.searchsorted(sizes, sizes[-1] / 2) + 1) / sizes.size)


@dataclass(frozen=True, eq=False)
class Panel:
    """What has been made so far.

    Attributes
    ----------
    rows, columns : tuple of str
        Their names.
    maps : tuple of PanelMap
        In the order in which they were made.
    by_columns : bool
        Whether a map is compared with that of the first column, or of the first row.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    maps: tuple[PanelMap, ...] = ()
    by_columns: bool = True

    def to_first(self, one: PanelMap) -> float | None:
        """Spearman's correlation with the first map beside it; None of that itself."""
        if self.by_columns:
            place, other = one.column, (one.row, 0)
        else:
            place, other = one.row, (0, one.column)
        if not place:
            return None
        first = next((m for m in self.maps if (m.row, m.column) == other), None)
        if first is None or first.made.evidence.shape != one.made.evidence.shape:
            return None
        return rank_correlation(first.made.evidence, one.made.evidence)

    def grid(self, title: str) -> Grid:
        """All maps as a figure's rows and columns."""
        rows = []
        for place, name in enumerate(self.rows):
            here = {one.column: one.made for one in self.maps if one.row == place}
            if here:
                rows.append(Row(place, name, next(iter(here.values())).view, here))
        known = {one.column for one in self.maps}
        columns = (Column(place, name, "overlay") for place, name in enumerate(self.columns))
        shown = tuple(column for column in columns if column.key in known)
        return Grid(title, tuple(rows), shown, partial=True)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A map to be made: its place, which of the methods, and what it explains."""

    row: int
    column: int
    method: int
    subject: SubjectInput


@dataclass(frozen=True, eq=False)
class _Plan:
    """All maps of a panel, the methods that make them, and on what their time is tried."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    methods: list[Method]
    names: list[str]
    computed: list[int]
    tried: list[Subject]
    wanted: list[_Wanted]


def panel_steps(
    preset: Preset,
    classifiers: Sequence[Classifier],
    subjects: Sequence[Sequence[SubjectInput]],
    making: Making,
) -> Iterator[tuple[MapStep, Panel]]:
    """Make the maps of a panel.

    Parameters
    ----------
    preset : Preset
        What its rows and columns are.
    classifiers : sequence of Classifier
        One, or several of which each is a column.
    subjects : sequence of sequence of SubjectInput
        For each classifier the images.
    making : Making
        How maps are made.

    Yields
    ------
    MapStep, Panel
        After each step of each map, what has been made so far.

    Raises
    ------
    UsageError
        If the panel needs several classifiers, or layers that the network does not have.
    """
    plan = _plan(preset, classifiers, subjects, making)
    each = len(plan.wanted) // len(plan.methods)
    work = MapWork(plan.methods, each, computed=plan.computed, names=plan.names)
    found = Panel(plan.rows, plan.columns, by_columns=preset.compared == "columns")
    yield from beside(work.trial(plan.tried), found)
    for one in plan.wanted:
        doing = plan.rows[one.row]
        made = yield from beside(work.map_of(one.method, one.subject.load(), doing), found)
        method = plan.methods[one.method]
        found = replace(found, maps=(*found.maps, PanelMap(one.row, one.column, made, method)))
        yield work.now(doing), found


def _plan(
    preset: Preset,
    classifiers: Sequence[Classifier],
    subjects: Sequence[Sequence[SubjectInput]],
    making: Making,
) -> _Plan:
    images = subjects[0]
    if preset.across == "classifiers":
        return _of_classifiers(preset, classifiers, subjects, making)
    first = images[0].load()
    methods = [making.method(setting, first.classifier) for setting in preset.settings]
    titles = [setting.title for setting in preset.settings]
    if preset.across == "settings" and preset.down == "images":
        wanted = [
            _Wanted(row, place, place, image)
            for row, image in enumerate(images)
            for place in range(len(methods))
        ]
        names = tuple(image.name for image in images)
        return _Plan(
            names,
            tuple(titles),
            methods,
            titles,
            [len(images)] * len(methods),
            [first] * len(methods),
            wanted,
        )
    if preset.across == "settings":
        likeliest = np.argsort(-first.predictions, kind="stable")[:_CLASSES]
        targets = [first.about(int(index)) for index in likeliest]
        wanted = [
            _Wanted(row, place, place, _ready(subject))
            for row, subject in enumerate(targets)
            for place in range(len(methods))
        ]
        names = tuple(subject.target_name for subject in targets)
        computed = [1] + [0] * (len(methods) - 1)  # the scores of all classes are kept
        tried = [targets[0]] * len(methods)
        return _Plan(names, tuple(titles), methods, titles, computed, tried, wanted)
    return _of_feature_maps(preset, images, first, methods[0])


def _of_classifiers(
    preset: Preset,
    classifiers: Sequence[Classifier],
    subjects: Sequence[Sequence[SubjectInput]],
    making: Making,
) -> _Plan:
    """Each classifier a column; all explain the class that the first one sees, if they know it."""
    if len(classifiers) < 2:
        raise UsageError(
            "The panel of architectures needs at least two classifiers: name them with"
            " --classifier, or give columns of the window classifiers of their own."
        )
    methods = [making.method(preset.settings[0], one) for one in classifiers]
    wanted = []
    for row, image in enumerate(subjects[0]):
        for place, one in enumerate(subjects):
            wanted.append(_Wanted(row, place, place, _same_class(one[row], image)))
    names = [classifier.name for classifier in classifiers]
    return _Plan(
        tuple(image.name for image in subjects[0]),
        tuple(names),
        methods,
        names,
        [len(subjects[0])] * len(methods),
        [one.subject.load() for one in wanted[: len(methods)]],
        wanted,
    )


def _of_feature_maps(
    preset: Preset, images: Sequence[SubjectInput], first: Subject, method: Method
) -> _Plan:
    """The strongest feature maps, of three layers or, of several images, of the middle one."""
    chosen = _layers_of(first.classifier)
    if preset.down == "images":
        chosen = [chosen[len(chosen) // 2]]
    strongest = {layer: _strongest(first, layer) for layer in chosen}
    wanted = []
    if preset.down == "layers":
        rows = tuple(chosen)
        for row, layer in enumerate(chosen):
            for column, channel in enumerate(strongest[layer]):
                subject = _ready(first.about(UnitTarget(layer, channel)))
                wanted.append(_Wanted(row, column, row, subject))
        methods = [method] * len(chosen)
        columns = _STRONGEST
        computed = [len(strongest[layer]) for layer in chosen]
    else:
        (layer,) = chosen
        rows = tuple(image.name for image in images)
        columns = tuple(f"{layer}, map {channel}" for channel in strongest[layer])
        for row, image in enumerate(images):
            for column, channel in enumerate(strongest[layer]):
                wanted.append(_Wanted(row, column, 0, _about(image, UnitTarget(layer, channel))))
        methods, computed = [method], [len(wanted)]
    tried = [first.about(UnitTarget(layer, strongest[layer][0])) for layer in chosen]
    names = [f"{method.title}, {layer}" for layer in chosen]
    return _Plan(rows, columns, methods, names, computed, tried, wanted)


def _layers_of(classifier: Classifier) -> list[str]:
    """An early, a middle and a late layer of those whose result is maps with rows and columns."""
    found = [
        one.name
        for one in layers(classifier)
        if len(one.shape) == 3 and min(one.shape[1:]) > 1 and one.kind in ("ReLU", "ReLU6")
    ] or [one.name for one in layers(classifier) if len(one.shape) == 3 and min(one.shape[1:]) > 1]
    if not found:
        raise UsageError(
            f"{classifier.name} has no layers with feature maps: choose another panel or network."
        )
    places = [round(depth * (len(found) - 1)) for depth in _DEPTHS]
    return [found[place] for place in dict.fromkeys(places)]


def _strongest(subject: Subject, layer: str) -> list[int]:
    """The channels whose mean activation is largest."""
    maps = activations(subject.classifier, subject.view, layer)
    means = maps.reshape(len(maps), -1).mean(1)
    return [int(place) for place in np.argsort(-means, kind="stable")[: len(_STRONGEST)]]


def _ready(subject: Subject) -> SubjectInput:
    return SubjectInput(subject.target_name, lambda: subject)


def _about(image: SubjectInput, target: UnitTarget) -> SubjectInput:
    return SubjectInput(image.name, lambda: image.load().about(target))


def _same_class(image: SubjectInput, of_first: SubjectInput) -> SubjectInput:
    def load() -> Subject:
        subject, name = image.load(), of_first.load().target_name
        return subject.about(name) if name in subject.classifier.class_names else subject

    return SubjectInput(image.name, load)

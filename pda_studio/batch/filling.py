"""What a study's maps become as a batch: images without results, plans, and what was finished."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pda_studio.batch.inputs import BatchImage, images_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder
from pda_studio.batch.sources import ImageSource, finished_in, plan_at
from pda_studio.classifiers import Classifier
from pda_studio.methods import Method, method_named
from pda_studio.pda.infill.folders import images_in
from pda_studio.targets import ClassTarget, options_of

_NO_TARGET = dict.fromkeys(("against", "layer", "unit", "label_target"))


def whole_source_at(path: Path, output: Path) -> ImageSource:
    """The images of a folder, of results or of a plan, also those that have no result yet.

    Their names are those that a batch of the same folder or plan gives them.

    Parameters
    ----------
    path : Path
        As `source_at` takes it.
    output : Path
        Where results go, in which there are no images of the study.

    Raises
    ------
    PdaStudioError
        If there are no images, or the plan cannot be used.
    """
    plan = plan_at(path)
    if plan is None:
        folder = Path(os.path.abspath(path))
        named = {one.path: one for one in images_of([str(folder)], output=output)}
        ordered = (named.get(str(one)) for one in images_in(folder))  # as `source_at` has them
        return ImageSource([one for one in ordered if one is not None])
    if path.is_file():
        return ImageSource(images_of(plan.inputs, output=output), plan)
    images, maps = finished_in(ResultFolder(path))
    for one in images_of(plan.inputs, output=output):
        images.setdefault(one.path, one)
    return ImageSource(sorted(images.values(), key=lambda one: one.name), plan, maps)


def plan_of_maps(
    plan: Plan, methods: Iterable[Method], classifier: Classifier, target: int | None = None
) -> Plan:
    """A plan of other methods and perhaps another target.

    Methods that are the plan's stay as they are written there, so that their results are found.

    Parameters
    ----------
    plan : Plan
        What it is like otherwise.
    methods : iterable of Method
        What explains.
    classifier : Classifier
        The plan's, on which it depends what a plan's parameters come to.
    target : int, optional
        The class that is explained; without it the plan's target.
    """
    known = [
        (method_named(one.name).create(classifier, **one.parameters), one) for one in plan.methods
    ]
    planned: dict[str, PlannedMethod] = {}
    for method in methods:
        same = (one for made, one in known if made == method)
        found = next(same, None) or PlannedMethod(
            name=method.name, parameters=_parameters(method, classifier)
        )
        planned.setdefault(found.model_dump_json(), found)
    changes: dict[str, Any] = {"methods": tuple(planned.values())}
    if target is not None:
        changes |= {**_NO_TARGET, **options_of(ClassTarget(target))}
    return plan.model_copy(update=changes)


def with_finished(
    source: ImageSource,
    chosen: Sequence[BatchImage],
    awaited: Iterable[BatchImage],
    at: ResultFolder,
) -> ImageSource:
    """The chosen images with all maps of a folder of results, without those that came to none.

    Parameters
    ----------
    source : ImageSource
        Where they are from.
    chosen : sequence of BatchImage
        What a study looks at.
    awaited : iterable of BatchImage
        Those of them that a batch was to explain.
    at : ResultFolder
        Where it wrote.
    """
    finished, maps = finished_in(at)
    without = {one.path for one in awaited} - finished.keys()
    return ImageSource([one for one in chosen if one.path not in without], source.plan, maps)


def _parameters(method: Method, classifier: Classifier) -> dict[str, Any]:
    """What must be said of a method, as a line says it, so that it is the same elsewhere."""
    kind, values = type(method), method.model_dump(mode="json")
    usual = kind.create(classifier).model_dump(mode="json")
    changed = {name: value for name, value in values.items() if value != usual[name]}
    return changed if kind.create(classifier, **changed) == method else values

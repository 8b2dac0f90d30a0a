"""The maps of a study by the workers of a batch, before the study looks at them."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pda_studio.batch.filling import plan_of_maps, whole_source_at, with_finished
from pda_studio.batch.index import write_index
from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.pilot import steps
from pda_studio.batch.plan import Plan, PlannedClassifier, write_plan
from pda_studio.batch.results import ResultFolder
from pda_studio.batch.sources import ImageSource, plan_at
from pda_studio.cli import progress, streams
from pda_studio.cli.batch_work import ShownOrder, absolute
from pda_studio.cli.model_input import ModelInput
from pda_studio.cli.study_inputs import classifiers_of
from pda_studio.counts import counted
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.experiments.map_work import evenly
from pda_studio.studies import Inputs, Study


@dataclass(frozen=True)
class Workers:
    """Who computes the maps of a study, as options say it.

    Attributes
    ----------
    workers : int or "auto" or None
        Processes; "auto" chooses.
    scheduler : str or None
        Address of a Dask scheduler.
    results : Path or None
        Where maps go.
    """

    workers: int | str | None = None
    scheduler: str | None = None
    results: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return self.workers is not None or self.scheduler is not None

    def check(self, folder: Path | None) -> None:
        """Refuse what does not go together, before anything is loaded.

        Raises
        ------
        UsageError
            If the options do not go together, or with the study's folder.
        PdaStudioError
            If the folder's plan cannot be used.
        """
        if not self.wanted:
            if self.results is not None:
                raise UsageError("--results goes with --workers or --scheduler: add either.")
            return
        if self.workers is not None and self.scheduler is not None:
            raise UsageError("--scheduler has workers of its own: leave --workers out.")
        if folder is None:
            raise UsageError("Workers compute the maps of a folder: name one by --folder.")
        if self.results is not None and _are_results(folder):
            raise UsageError(f"Maps go into the results in {folder}: leave --results out.")
        if self.results is None and not _are_results(folder):
            raise UsageError(
                "Workers need a folder for the maps that they compute: add --results FOLDER."
            )


def filled(
    study: Study, inputs: Inputs, values: dict[str, Any], workers: Workers, folder: Path
) -> Inputs:
    """Have the maps that a study will take computed, and say where they are.

    Parameters
    ----------
    study : Study
        What they are for.
    inputs : Inputs
        What it is carried out on.
    values : dict
        What the line says.
    workers : Workers
        Who computes them.
    folder : Path
        The study's folder.

    Returns
    -------
    Inputs
        The same with the images and maps that the study is to take.

    Raises
    ------
    PdaStudioError
        As the verb `batch` does.
    """
    results = ResultFolder(workers.results or folder)
    source = whole_source_at(folder, results.folder)
    inputs = replace(inputs, source=source)
    wanted = progress.prepared(study, inputs)
    if not wanted:
        raise UsageError(
            f"{study.title} takes no maps of single images here: leave --workers and --scheduler"
            " out."
        )
    results.make()
    plan, classifier = _plan(type(study), values, source, folder), inputs.classifier()
    named = {one.path: one for one in source.images}
    awaited: list[BatchImage] = []
    for maps in wanted:
        images = [named[str(path)] for path in maps.images]
        awaited += images
        own = plan_of_maps(plan, maps.methods, classifier, maps.target)
        if not results.plan.is_file():
            write_plan(own, results.plan)
        _carry_out(own, results, images, str(values.get("device", "auto")), workers)
    chosen = evenly(source.images, getattr(study, "images", len(source.images)))
    found = with_finished(source, chosen, awaited, results)
    _tell_of_left_out(len(chosen), len(found.images), results)
    return replace(inputs, source=found)


def _carry_out(
    plan: Plan, results: ResultFolder, images: list[BatchImage], device: str, workers: Workers
) -> None:
    """Do what is missing, as the verb `batch` does; the index is written also after Ctrl+C."""
    order = ShownOrder(plan, results, images, settings_of(plan), device, time.time())
    count = workers.workers if isinstance(workers.workers, int) else None
    try:
        progress.batch(steps(order, count, None, workers.scheduler))
    except KeyboardInterrupt:
        write_index(results)
        raise
    write_index(results)


def _tell_of_left_out(chosen: int, found: int, results: ResultFolder) -> None:
    """Say how many images have no map, if any.

    Raises
    ------
    PdaStudioError
        If none has one.
    """
    why = f"the column “error” of {results.index} says why"
    if not found:
        raise PdaStudioError(f"No image has a map: {why}.")
    if found < chosen:
        count = counted(chosen - found, "image")
        streams.tell(f"{count} of {chosen:,} left out, as there is no map: {why}")


def _plan(kind: type[Study], values: dict[str, Any], source: ImageSource, folder: Path) -> Plan:
    """What the batch is to do, as far as the study's methods do not say it."""
    ((name, weights),) = classifiers_of(kind, values, source.plan).items()
    classifier = PlannedClassifier(
        name=absolute(name), weights=absolute(weights) if weights else None
    )
    if source.plan is not None:
        own = next((one for one in source.plan.classifiers if one.name == name), None)
        if own is not None:
            classifier = own.model_copy(update=classifier.model_dump(include={"name", "weights"}))
        return source.plan.model_copy(update={"classifiers": (classifier,)})
    given = vars(values.get("model_input") or ModelInput())
    return Plan(inputs=(os.path.abspath(folder),), classifiers=(classifier,), methods=(), **given)


def _are_results(folder: Path) -> bool:
    return not folder.is_file() and plan_at(folder) is not None

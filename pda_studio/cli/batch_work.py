"""What the verb `batch` does: from options to a plan, and from a plan to results."""

import os
import time
from pathlib import Path
from typing import Any

from pda_studio.batch.index import write_index
from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.parts import Part
from pda_studio.batch.pilot import steps
from pda_studio.batch.plan import Plan, PlannedClassifier, PlannedMethod, read_plan, write_plan
from pda_studio.batch.results import ResultFolder
from pda_studio.batch.workers import Order
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.entry import is_file
from pda_studio.cli import progress, texts
from pda_studio.cli.explain import DEFAULT_METHOD
from pda_studio.cli.methods_named import method_with_values
from pda_studio.errors import UsageError

_WEIGHTS = ":weights="


def planned_by(
    plan: Path | None,
    output: Path | None,
    inputs: tuple[str, ...],
    classifiers: list[str] | None,
    weights: str | None,
    methods: list[str] | None,
    said: dict[str, Any],
) -> Plan:
    """The plan that a file holds, or that options say; without either, that of the results.

    Raises
    ------
    UsageError
        If there is neither, or both.
    PdaStudioError
        If the file cannot be used.
    """
    if inputs and plan is None:
        given = {**said, "inputs": tuple(os.path.abspath(one) for one in inputs)}
        return _planned(classifiers or ["digits"], weights, methods or [DEFAULT_METHOD], given)
    if said or inputs or classifiers or weights or methods:
        raise UsageError(
            "A plan says what is to be done: leave other options out, or name images instead."
        )
    if plan is None and output is not None and ResultFolder(output).plan.is_file():
        plan = ResultFolder(output).plan
    if plan is None:
        raise UsageError("A batch needs images: name a folder, a glob, a list or images.")
    return read_plan(plan)


def write_down(planned: Plan, path: Path) -> int:
    """Write a plan; returns the exit status."""
    write_plan(planned, path)
    print(f"Wrote {path}")
    return 0


class ShownOrder(Order):
    """An order that shows what is downloaded."""

    def load(self, one: PlannedClassifier) -> Classifier:
        """Load a classifier of the plan."""
        loaded = progress.load(one.name, one.weights, self.device)
        return self.plan.fitted(loaded, one)


def carry_out(
    planned: Plan,
    output: Path,
    part: str | None,
    device: str,
    workers: int | None,
    threads: int | None,
    scheduler: str | None,
) -> int:
    """Do what is missing, and write index and sheet, also after Ctrl+C; returns the status."""
    share = Part.of_slurm() if part is None else Part.parse(part)
    images, settings = images_of(planned.inputs, output=output), settings_of(planned)
    results = ResultFolder(output)
    results.make()
    if share.number == 1:
        write_plan(planned, results.plan)

    order = ShownOrder(planned, results, share.of(images), settings, device, time.time())
    try:
        last = progress.batch(steps(order, workers, threads, scheduler))
    except KeyboardInterrupt:
        write_index(results)
        raise
    count = write_index(results)
    print(texts.batch(last, count, (results.index, results.sheet)))
    return 1 if last.failed else 0


def _planned(
    classifiers: list[str], weights: str | None, methods: list[str], given: dict[str, Any]
) -> Plan:
    """The plan that options say; paths in it are absolute."""
    named = [text.partition(_WEIGHTS)[::2] for text in classifiers]
    if weights is not None:
        if len(named) > 1 or named[0][1]:
            raise UsageError(
                "--weights go with a single --classifier: give each its own as NAME:weights=FILE."
            )
        named = [(named[0][0], weights)]
    chosen = [method_with_values(text) for text in methods]
    return Plan(
        classifiers=tuple(
            PlannedClassifier(name=absolute(name), weights=absolute(own) if own else None)
            for name, own in named
        ),
        methods=tuple(
            PlannedMethod(
                name=kind.name,
                parameters={
                    key: str(value.absolute()) if isinstance(value, Path) else value
                    for key, value in own.items()
                },
            )
            for kind, own in chosen
        ),
        **given,
    )


def absolute(name: str) -> str:
    """A file by its whole path; other names as they are."""
    return str(Path(name).absolute()) if is_file(name) and Path(name).exists() else name

"""Bars that show how far work has come, on a terminal only."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from pda_studio.classifiers import Classifier, loading
from pda_studio.methods import EvidenceMap, Method, Subject

T = TypeVar("T")


def load(name: str, weights: str | Path | None, device: str = "auto") -> Classifier:
    """Load a classifier, with a bar while its weights are fetched.

    Raises
    ------
    UsageError, PdaStudioError
        As `load_classifier` does.
    """
    with closing(loading(name, weights, device)) as steps, _bar(unit="B", unit_scale=True) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                classifier: Classifier = stop.value
                return classifier
            bar.set_description(step.name, refresh=False)
            bar.total = step.total or None
            bar.update(step.done - bar.n)


def carry_out(method: Method, subject: Subject) -> EvidenceMap:
    """Run a method to its end, with a bar."""
    with _bar(unit=" steps", desc=method.title) as bar:
        for progress in method.steps(subject):
            bar.total = progress.total
            bar.update(progress.done - bar.n)
        return progress.evidence()


def followed(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Pass items on, with a bar."""
    with _bar(unit=unit, total=total) as bar:
        for item in items:
            yield item
            bar.update()


def _bar(**style: Any) -> "tqdm[Any]":
    return tqdm(
        file=sys.stderr, disable=not sys.stderr.isatty(), leave=False, dynamic_ncols=True, **style
    )

"""Bars that show how far work has come, on a terminal only."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from pda_studio.classifiers import Classifier, loading
from pda_studio.cli import streams, telling
from pda_studio.cli.answers import Answers
from pda_studio.durations import duration
from pda_studio.methods import Method
from pda_studio.results import Result, Subject

if TYPE_CHECKING:
    from pda_studio.batch.running import BatchProgress
    from pda_studio.studies import FolderMaps, Inputs, Study, StudyResult

T = TypeVar("T")
_NOW_AND_THEN = 30.0  # seconds between two lines where there is no terminal
_LONG = 20.0  # seconds: what takes longer is said before


def load(
    name: str, weights: str | Path | None, device: str = "auto", told: Answers | None = None
) -> Classifier:
    """Load a classifier, with a bar while its weights are fetched.

    What is told of its file is kept beside it, if that is wanted.

    Raises
    ------
    UsageError, PdaStudioError
        As `load_classifier` does.
    """
    told = told or Answers()
    steps = loading(name, weights, device, telling.spec_of(told), told.trust)
    with closing(steps), ExitStack() as shown:
        bar = None  # most weights are on the disk, and there is nothing to wait for
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                classifier: Classifier = stop.value
                if told.save_answers:
                    telling.save(told, name)
                return classifier
            if bar is None:
                total = step.total or None
                bar = shown.enter_context(
                    _bar(unit="B", unit_scale=True, desc=step.name, total=total)
                )
            bar.update(step.done - bar.n)


def carry_out(method: Method, subject: Subject) -> Result:
    """Run a method to its end, with a bar; what first takes minutes or gigabytes is said before."""
    for warning in filter(None, (subject.classifier.size_note, method.warning(subject))):
        print(f"pda-studio: {warning}", file=sys.stderr, flush=True)
    steps = method.steps(subject)
    progress = next(steps)
    with _bar(unit=" steps", desc=method.title, total=progress.total) as bar:
        bar.update(progress.done)
        for progress in steps:
            bar.set_postfix_str(progress.stage, refresh=False)
            bar.update(progress.done - bar.n)
            if progress.stage:
                bar.refresh()
        return progress.evidence()


def studied(study: "Study", inputs: "Inputs") -> "StudyResult":
    """Carry a study out to its end, with a bar; what takes long is said before."""
    told = False
    with _bar(unit=" steps", desc=study.title) as bar:
        for step in study.steps(inputs):
            if not told and step.seconds_left is not None:
                told = True
                if step.seconds_left > _LONG:
                    text = (
                        f"pda-studio: about {duration(step.seconds_left)} for {study.title.lower()}"
                    )
                    print(text, file=sys.stderr, flush=True)
            bar.total = step.total
            bar.set_postfix_str(f"{step.doing} {step.time_left}".strip(), refresh=False)
            bar.update(step.done - bar.n)
    assert step.result is not None, "the last step holds the result"
    return step.result


def prepared(study: "Study", inputs: "Inputs") -> "list[FolderMaps]":
    """Find out which maps a study will take, with a bar."""
    steps = study.folder_maps(inputs)
    with _bar(unit=" images", desc=study.title) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                found: list[FolderMaps] = stop.value
                return found
            bar.total = step.total
            bar.set_postfix_str(step.doing, refresh=False)
            bar.update(step.done - bar.n)


def batch(steps: "Iterator[BatchProgress]") -> "BatchProgress":
    """Follow a batch to its end, with a bar, or a line now and then where there is no terminal.

    The rate is that of what is done here and now, not of what was there before.
    """
    last, began, told = next(steps), monotonic(), monotonic()
    first = last
    with _bar(unit=" maps", desc="Batch", total=last.total, initial=last.done) as bar:
        for last in steps:
            if last.note:
                bar.clear()
                streams.tell(last.note)
            if last.failed:
                bar.set_postfix_str(f"{last.failed} failed", refresh=False)
            bar.update(last.done - bar.n)
            now = monotonic()
            if bar.disable and now - told > _NOW_AND_THEN and last.done > first.done:
                told = now
                left = (now - began) / (last.done - first.done) * (last.total - last.done)
                failed = f", {last.failed:,} failed" if last.failed else ""
                streams.tell(
                    f"{last.done:,} of {last.total:,} maps{failed}, about {duration(left)} left"
                )
    return last


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

"""A short pilot: whether several processes of one thread beat one process of several threads."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec

import torch

from pda_studio.batch.running import BatchProgress
from pda_studio.batch.workers import Crew, Order, carry_out, gpus, processors
from pda_studio.errors import PdaStudioError

_PILOT = (None, "many", "one", "many", "one")
"""Threads of the first images; the very first pays for what is prepared once, and is left out."""
_START = 10.0  # seconds that the start of workers takes
_STATUS = "/proc/self/status"
_GAIN = 0.9  # of the time: what gains less is not worth another process


def steps(
    order: Order, workers: int | None, threads: int | None, scheduler: str | None = None
) -> Iterator[BatchProgress]:
    """Do what is missing with as many workers as are named, or as are fastest.

    Parameters
    ----------
    order : Order
        What is to be done.
    workers, threads : int or None
        Processes, and threads of each; None chooses.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers do it instead.

    Raises
    ------
    PdaStudioError
        As `Jobs.steps` does; if there is no such scheduler, or Dask is not installed.
    """
    if scheduler is not None:
        if find_spec("distributed") is None:
            raise PdaStudioError("--scheduler needs Dask; run pip install pda-studio[cluster].")
        from pda_studio.batch.cluster import carry_out_on

        yield from carry_out_on(scheduler, order)
        return
    cards = gpus(order.device)
    if workers is None and len(cards) > 1:
        yield from carry_out(order, Crew(len(cards), threads or 1, cards))
    elif workers is not None and workers > 1:
        each = threads or max(1, processors() // workers)
        shared = tuple(cards[place % len(cards)] for place in range(workers)) if cards else ()
        yield from carry_out(order, Crew(workers, each, shared))
    elif workers == 1 or threads is not None or cards or torch.get_num_threads() == 1:
        with _threads(threads or torch.get_num_threads()):
            yield from order.jobs().steps()
    else:
        yield from _after_pilot(order)


def _after_pilot(order: Order) -> Iterator[BatchProgress]:
    """Do the first jobs in this process, now with one thread, now with all; then choose."""
    many = torch.get_num_threads()
    seconds: dict[str | None, list[float]] = {}
    began, images, crew = 0.0, 0, None
    work = order.jobs().steps()
    with _threads(many), closing(work):
        for step in work:
            yield step
            if step.doing is None or images > len(_PILOT):
                continue
            if images:
                seconds.setdefault(_PILOT[images - 1], []).append(time.perf_counter() - began)
            if images == len(_PILOT):
                crew = _faster(min(seconds["many"]), min(seconds["one"]), many, step)
                torch.set_num_threads(many)
                if crew is not None:
                    break
            else:
                torch.set_num_threads(1 if _PILOT[images] == "one" else many)
            images, began = images + 1, time.perf_counter()
    if crew is not None:
        yield from carry_out(order, crew)


def _faster(many: float, one: float, threads: int, step: BatchProgress) -> Crew | None:
    """Workers of one thread, if the rest is done sooner by them.

    Parameters
    ----------
    many, one : float
        Seconds for an image with all threads, and with one.
    threads : int
        How many all are.
    step : BatchProgress
        How much is left.
    """
    assert step.doing is not None, "the pilot ends where an image begins"
    workers = min(threads, _room())
    images = (step.total - step.done) / len(step.doing.settings)
    here, there = images * many, _START + images * one / workers
    return Crew(workers, 1) if workers > 1 and there < _GAIN * here else None


def _room() -> int:
    """For how many processes like this one there is memory."""
    try:
        free, own = _kilobytes("/proc/meminfo", "MemAvailable"), _kilobytes(_STATUS, "VmRSS")
    except (OSError, StopIteration, ValueError):  # not on Linux
        return processors()
    return max(1, free // own)


def _kilobytes(path: str, name: str) -> int:
    """A number that Linux tells of its memory."""
    with open(path) as file:
        line = next(line for line in file if line.startswith(f"{name}:"))
    return int(line.split()[1])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads for PyTorch, and what there was before at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""A batch on a Dask cluster: tasks are bundles of images, and results go into the shared folder.

What a worker finished before it died is on the disk: the task, done again elsewhere, does the rest.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from distributed import Client, KilledWorker, as_completed, get_worker
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.core import connect
from distributed.security import Security

from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.plan import PlannedClassifier
from pda_studio.batch.results import FileState
from pda_studio.batch.running import BatchProgress, Jobs
from pda_studio.batch.workers import Order
from pda_studio.batch.writing import ResultWriter
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.errors import PdaStudioError

_MOST = 64  # images of a task
_MOST_TASKS = 100.0  # a second that the scheduler is given
_SHARE = 8  # tasks for each worker at least, so that none is long idle at the end
_AHEAD = 4  # tasks for each worker that the scheduler knows of: memory stays small
_FEWEST = 16  # the same while workers are still awaited
_PATIENCE = 10.0  # seconds that a scheduler has to answer
_alone = threading.Lock()
"""Held by the task that a worker is at: its threads work for one network."""


class ClusterOrder(Order):
    """An order that a worker carries out, which loads each classifier once."""

    def load(self, one: PlannedClassifier) -> Classifier:
        """Load a classifier of the plan, or take the one that was loaded for an earlier task."""
        loaded = _loaded(one, self.device)
        return self.plan.fitted(loaded, one)

    def jobs(self) -> Jobs:
        """The jobs of one task; no task reads the rows of the whole batch."""
        plan, output = self.plan, self.output
        images, settings = self.images, self.settings
        return Jobs(plan, output, images, settings, self.load, self.since, afresh=True)


class Pace:
    """Lets so many pass in a second: more tasks would keep a scheduler from its workers.

    Parameters
    ----------
    most : float
        How many.
    """

    def __init__(self, most: float = _MOST_TASKS) -> None:
        self._between = 1 / most
        self._next = 0.0

    def wait(self) -> None:
        """Wait until the next may pass."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._between


def carry_out_on(scheduler: str, order: Order) -> Iterator[BatchProgress]:
    """Do what is missing on the workers of a Dask scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``tcp://host:8786``.
    order : Order
        What is to be done; workers must find images and results under the same names.

    Raises
    ------
    PdaStudioError
        If there is no such scheduler, it is lost, or a worker's disk is full.
    """
    _check(scheduler)
    now, missing = order.jobs().missing()
    yield now
    if not missing:
        return
    with Client(scheduler, timeout=_PATIENCE, set_as_default=False) as client:
        if not client.nthreads():
            yield replace(now, note=f"The scheduler at {scheduler} has no workers yet; waiting.")
        yield from _followed(client, order, missing, now)
    yield next(order.jobs().steps())


def _check(scheduler: str) -> None:
    """Refuse an address where no scheduler answers: a client that is lost at once ends slowly.

    Raises
    ------
    PdaStudioError
        If it is no address, or nothing like Dask answers there.
    """

    async def answered() -> None:
        arguments = Security().get_connection_args("client")
        (await connect(scheduler, timeout=_PATIENCE, **arguments)).abort()

    try:
        parse_host_port(parse_address(scheduler)[1])
        asyncio.run(answered())
    except ValueError as error:
        raise PdaStudioError(
            f"“{scheduler}” is no address of a Dask scheduler: write it as tcp://host:8786."
        ) from error
    except OSError as error:
        raise PdaStudioError(
            f"No Dask scheduler answers at {scheduler}: start one (dask scheduler), or check the"
            " address."
        ) from error


def _followed(
    client: Any, order: Order, missing: list[BatchImage], now: BatchProgress
) -> Iterator[BatchProgress]:
    """Hand tasks out a few at a time, and count what they finished."""
    plain = ClusterOrder(
        order.plan.model_copy(update={"inputs": ()}),
        order.output,
        (),
        order.settings,
        order.device,
        order.since,
    )
    writer = ResultWriter(order.output)
    pieces = _pieces(missing, len(client.nthreads()))
    running = as_completed(loop=client.loop)
    sent: dict[str, Sequence[BatchImage]] = {}
    pace = Pace()

    def send(images: Sequence[BatchImage]) -> None:
        pace.wait()
        future = client.submit(_task, replace(plain, images=images), pure=False)
        sent[future.key] = images
        running.add(future)

    def fill() -> None:
        while len(sent) < max(_FEWEST, _AHEAD * len(client.nthreads())):
            images = next(pieces, None)
            if images is None:
                return
            send(images)

    fill()
    while sent:
        future = next(running)
        images = sent.pop(future.key)
        if future.status == "cancelled":
            raise PdaStudioError(
                "The Dask scheduler was lost: once it is there again, give the same command."
            )
        try:
            finished, failed = future.result()
        except KilledWorker as error:
            finished = failed = 0
            if len(images) > 1:
                for image in images:
                    send([image])
            else:
                failed = _given_up(images[0], order, writer, error)
        done = min(now.done + finished, now.total)
        now = BatchProgress(done, now.total, now.failed + failed)
        yield now
        fill()


def _pieces(images: Sequence[BatchImage], workers: int) -> Iterator[Sequence[BatchImage]]:
    """Images of one task after the other."""
    size = min(_MOST, max(1, len(images) // (_SHARE * max(1, workers))))
    return (images[start : start + size] for start in range(0, len(images), size))


def _given_up(image: BatchImage, order: Order, writer: ResultWriter, error: KilledWorker) -> int:
    """Note that an image ended several workers; returns how many maps it has not."""
    reason = PdaStudioError(f"Several workers ended at this image; try it alone ({error}).")
    for setting in order.settings:
        if not order.output.map_of(setting.job(image)).exists():
            writer.write(setting, image, FileState.of(image.path), reason)
    return len(order.settings)


def _task(order: ClusterOrder) -> tuple[int, int]:
    """What a worker does; returns how many jobs it finished, and how many of these failed."""
    finished = failed = 0
    with _alone:
        torch.set_num_threads(get_worker().state.nthreads)
        for step in order.jobs().steps():
            if step.row is not None:
                finished += 1
                failed += bool(step.row.error)
    return finished, failed


@lru_cache(maxsize=2)
def _loaded(one: PlannedClassifier, device: str) -> Classifier:
    return load_classifier(one.name, one.weights, device)

"""Several processes of one machine on a batch: one for each GPU, or as many as are fastest.

Workers share nothing but the folder of results: they claim jobs there, as processes on other
machines do. One that ends before its time is started anew, and what it was at is done again; an
image that ends two of them is given up, which is the reason in its rows.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import SpawnProcess

import torch

from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import Bundle, Setting
from pda_studio.batch.plan import Plan, PlannedClassifier
from pda_studio.batch.results import FileState, ResultFolder
from pda_studio.batch.running import BatchProgress, Jobs
from pda_studio.batch.writing import ResultWriter
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.errors import PdaStudioError

_MOST_DEATHS = 2
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Crew:
    """How many processes do the work, and how.

    Attributes
    ----------
    workers, threads : int
        Processes, and threads of each.
    gpus : tuple of str
        The GPU of each, if there is one for each.
    """

    workers: int = 1
    threads: int = 1
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """What every worker is to do.

    Attributes
    ----------
    plan : Plan
        What is to be done.
    output : ResultFolder
        Where it goes.
    images, settings : sequence
        As `Jobs` takes them.
    device : str
        Where networks run.
    since : float
        Jobs that failed before are tried anew, seconds since 1970.
    """

    plan: Plan
    output: ResultFolder
    images: Sequence[BatchImage]
    settings: Sequence[Setting]
    device: str
    since: float

    def load(self, one: PlannedClassifier) -> Classifier:
        """Load a classifier of the plan."""
        loaded = load_classifier(one.name, one.weights, self.device)
        return self.plan.fitted(loaded, one)

    def jobs(self) -> Jobs:
        """The jobs, to be done by whoever takes their steps."""
        return Jobs(self.plan, self.output, self.images, self.settings, self.load, since=self.since)


class _Worker:
    """A process at work, and what it last told."""

    def __init__(self, order: Order, crew: Crew, place: int) -> None:
        self.place = place
        self.doing: Bundle | None = None
        context = multiprocessing.get_context("spawn")
        self.told, its_end = context.Pipe(duplex=False)
        gpu = crew.gpus[place] if crew.gpus else None
        words = (order, crew.threads, its_end)
        self.process: SpawnProcess = context.Process(target=_work, args=words, daemon=True)
        with _environment(crew.threads, gpu):
            self.process.start()
        its_end.close()

    def messages(self) -> Iterator[tuple[str, object]]:
        """What it told since; nothing more once it ended."""
        try:
            while self.told.poll():
                yield self.told.recv()
        except (EOFError, OSError):
            self.told.close()


def carry_out(order: Order, crew: Crew) -> Iterator[BatchProgress]:
    """Do what is missing with several processes; each step tells of a job that was finished.

    Raises
    ------
    PdaStudioError
        If a worker cannot go on, as on a full disk, or cannot begin.
    """
    now = next(order.jobs().steps())
    yield now
    if now.done == now.total:
        return
    deaths: Counter[str] = Counter()
    writer = ResultWriter(order.output)
    workers = [_Worker(order, crew, place) for place in range(crew.workers)]
    try:
        while workers:
            ends = {one.process.sentinel: one for one in workers}
            pipes = [one.told for one in workers if not one.told.closed]
            connection.wait([*ends, *pipes])
            for worker in list(workers):
                ended = worker.process.exitcode is not None
                for kind, value in worker.messages():
                    if kind == "doing" and isinstance(value, Bundle):
                        worker.doing = value
                    elif kind == "error":
                        raise PdaStudioError(str(value))
                    else:
                        done = min(now.done + 1, now.total)
                        now = BatchProgress(done, now.total, now.failed + bool(value))
                        yield now
                if not ended:
                    continue
                workers.remove(worker)
                if worker.process.exitcode:
                    _given_up(worker, deaths, order, writer)
                    workers.append(_Worker(order, crew, worker.place))
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
    yield next(order.jobs().steps())


def _given_up(worker: _Worker, deaths: Counter[str], order: Order, writer: ResultWriter) -> None:
    """Note that a worker ended before its time; give its image up if it was not the first."""
    bundle = worker.doing
    name = "" if bundle is None else bundle.name
    deaths[name] += 1
    if deaths[name] < _MOST_DEATHS:
        return
    status = worker.process.exitcode or 0
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    if bundle is None:
        raise PdaStudioError(
            f"A worker ended {how} before it began, {_MOST_DEATHS} times: try fewer --workers."
        )
    reason = PdaStudioError(
        f"{_MOST_DEATHS} processes ended at this image, the last {how}; try it alone."
    )
    for setting in bundle.settings:
        writer.write(setting, bundle.image, FileState.of(bundle.image.path), reason)


def _work(order: Order, threads: int, told: "connection.Connection") -> None:
    """What a worker does from beginning to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        for step in order.jobs().steps():
            if step.doing is not None:
                told.send(("doing", step.doing))
            if step.row is not None:
                told.send(("row", bool(step.row.error)))
    except PdaStudioError as error:
        told.send(("error", str(error)))
    finally:
        told.close()


def _end_with_parent() -> None:
    """End this process when the one that started it does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _environment(threads: int, gpu: str | None) -> Iterator[None]:
    """What a process finds in its environment from its start."""
    wanted = dict.fromkeys(_THREADS, str(threads))
    if gpu is not None:
        wanted[_VISIBLE] = gpu
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus(device: str) -> tuple[str, ...]:
    """The GPUs that workers may use, as CUDA_VISIBLE_DEVICES names them."""
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return ()
    named = os.environ.get(_VISIBLE)
    if named:
        return tuple(one.strip() for one in named.split(",") if one.strip())
    return tuple(str(number) for number in range(torch.cuda.device_count()))

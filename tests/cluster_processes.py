"""A Dask scheduler that is killed and restarted in the middle of a batch; prints what it found.

It is a program of its own, so that scheduler, workers and the batch are forked from one that has
loaded all they need, and has no threads.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from distributed import Scheduler, Worker
from PIL import Image

from pda_studio.batch.cluster import carry_out_on
from pda_studio.batch.explaining import Explaining, ReadImage
from pda_studio.batch.inputs import BatchImage, images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.batch.workers import Order
from pda_studio.errors import PdaStudioError

IMAGES, LOST = 40, 3
_PATIENCE = 120.0


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    images = folder / "images"
    images.mkdir()
    for number in range(IMAGES):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 2 + number % 20 : 6 + number % 20] = 255
        pixels[0, 0] = number
        Image.fromarray(pixels).save(images / f"{number:02}.png")
    plan = Plan(inputs=(str(images),), methods=(PlannedMethod(name="grad-cam"),))
    results = ResultFolder(folder / "out")
    results.make()
    order = Order(plan, results, images_of(plan.inputs), settings_of(plan), "cpu", time.time())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"

    async def schedule() -> None:
        async with Scheduler(host="127.0.0.1", port=port, dashboard=False) as scheduler:
            await scheduler.finished()

    async def work(stuck: bool = False) -> None:
        if stuck:
            Explaining.read = stopping_at(IMAGES // 2, Explaining.read)
        worker = Worker(address, nthreads=1, dashboard=False, local_directory=str(folder))
        async with worker:
            await worker.finished()

    def batch() -> int:
        steps = carry_out_on(address, order)
        try:
            for _ in steps:
                pass
        except PdaStudioError as error:
            print(error, file=sys.stderr)
            return LOST
        return 0

    def rows() -> list[str]:
        found = [row for path in results.row_files() for _, row in rows_in(path)]
        return [row["image"] for row in found if not row["error"]]

    scheduler = _started(lambda: asyncio.run(schedule()))
    worker, first = _started(lambda: asyncio.run(work(stuck=True))), _started(batch)
    end = time.monotonic() + _PATIENCE
    while not rows() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(scheduler, signal.SIGKILL)
    before = len(rows())
    found: dict[str, object] = {"lost": _ended(first), "rows before": before}
    os.kill(worker, signal.SIGKILL)
    for one in (scheduler, worker):
        _ended(one)
    others = [_started(lambda: asyncio.run(schedule())), _started(lambda: asyncio.run(work()))]
    found["again"] = _ended(_started(batch))
    for one in others:
        os.kill(one, signal.SIGKILL)
        _ended(one)
    found["rows"] = sorted(Counter(rows()).values())
    print(json.dumps(found))


def stopping_at(number: int, read: Callable) -> Callable:
    """Reading that stops for ever at an image, so that the batch is in its middle for certain."""

    def stopping(self: Explaining, image: BatchImage) -> ReadImage:
        if image.name >= f"{number:02}":
            time.sleep(10 * _PATIENCE)
        return read(self, image)

    return stopping


def _started(work: Callable[[], int | None]) -> int:
    """A process that does some work, and ends with what it returns."""
    process = os.fork()
    if not process:
        status = 9
        try:
            status = work() or 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return process


def _ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

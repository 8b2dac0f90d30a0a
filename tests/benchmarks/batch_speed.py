"""How much of a batch's time its maps take, and how much faster two workers are than one.

Run by hand on a computer that does nothing else, with one thread for each process:

    python tests/benchmarks/batch_speed.py FOLDER --weights squeezenet1_1.safetensors --rounds 3

FOLDER holds 500 images. Round by round it does all of them in this process, which tells the sum of
the maps' own seconds, as a share of the seconds on the clock (0.9 is asked); then with one worker
and with two, which tells how many times faster two are (1.8 is asked), between a fifth and nine
tenths of the way: what starting takes and the last images are left out.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedClassifier, PlannedMethod
from pda_studio.batch.results import ResultFolder
from pda_studio.batch.running import BatchProgress
from pda_studio.batch.workers import Crew, Order, carry_out

_FROM, _TO = 0.2, 0.9  # of the jobs, between which workers are timed


def rate(steps: Iterator[BatchProgress]) -> float:
    """Maps a second, while all workers work."""
    begun, count, now, ended = 0.0, 0, 0, 0.0
    for step in steps:
        if not begun and step.done >= _FROM * step.total:
            begun, count = time.perf_counter(), step.done
        if step.done <= _TO * step.total:
            now, ended = step.done, time.perf_counter()
    return (now - count) / (ended - begun)


def share(steps: Iterator[BatchProgress]) -> float:
    """The maps' own seconds as a share of all seconds."""
    begun = None
    for step in steps:
        if step.row is None:
            continue
        if begun is None:  # what the first map prepares for all is no part of either
            begun, own = time.perf_counter(), 0.0
            continue
        own += step.row.seconds or 0.0
    return own / (time.perf_counter() - begun)


def main() -> None:
    """Let one process, one worker and two take turns, and print what they did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classifier", default="squeezenet1_1")
    parser.add_argument("--weights", default="random")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(
        inputs=(str(options.folder),),
        classifiers=(PlannedClassifier(name=options.classifier, weights=options.weights),),
        methods=(
            PlannedMethod(name="efficient-pda", parameters={"stride": 8}),
            PlannedMethod(name="grad-cam"),
        ),
    )
    images, settings = images_of(plan.inputs)[: options.images], settings_of(plan)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:

            def order(name: str, below: str = folder) -> Order:
                results = ResultFolder(Path(below) / name)
                results.make()
                return Order(plan, results, images, settings, "cpu", time.time())

            taken = share(order("here").jobs().steps())
            print(f"round {number + 1}: maps take {taken:.3f} of the time")
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                rates[workers].append(rate(carry_out(order(f"{workers}"), Crew(workers, 1))))
                print(f"  {workers} worker(s): {rates[workers][-1]:.2f} maps a second", flush=True)
    gains = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    print(f"two workers: {statistics.median(gains):.2f} times one, of {options.rounds} rounds")


if __name__ == "__main__":
    main()

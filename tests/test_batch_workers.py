"""Workers of a batch: real processes, one of which is killed, and the choice of how many."""

import os
import signal
import time
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from pda_studio.batch import pilot
from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.batch.running import BatchProgress, Jobs
from pda_studio.batch.workers import Crew, Order, carry_out


@dataclass(frozen=True)
class FatalOrder(Order):
    """An order with an image that ends every process which begins it."""

    def jobs(self) -> Jobs:
        jobs = super().jobs()
        read = jobs._explaining.results

        def results(image, *about):
            if image.pixels[0, 0, 0] == 255:
                os.kill(os.getpid(), signal.SIGKILL)
            return read(image, *about)

        jobs._explaining.results = results
        return jobs


@pytest.fixture
def order(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 10 + number : 14 + number] = 255
        pixels[0, 0] = 255 * (number == 1)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    plan = Plan(inputs=(str(folder),), methods=(PlannedMethod(name="grad-cam"),))
    results = ResultFolder(tmp_path / "out")
    results.make()
    images = images_of(plan.inputs)
    return FatalOrder(plan, results, images, settings_of(plan), "cpu", time.time())


def test_an_image_that_ends_processes_is_given_up_and_the_rest_is_done(order):
    *_, last = carry_out(order, Crew(1, 1))
    assert (last.done, last.total, last.failed) == (3, 3, 1)
    rows = [row for path in order.output.row_files() for _, row in rows_in(path)]
    assert sorted(row["image"] for row in rows) == ["0.png", "1.png", "2.png"]
    (failed,) = [row for row in rows if row["error"]]
    assert failed["image"] == "1.png"
    assert "2 processes ended at this image, the last by signal 9" in failed["error"]


def step(left, settings=2):
    bundle = SimpleNamespace(settings=(None,) * settings)
    return BatchProgress(0, left, 0, doing=bundle)


@pytest.mark.parametrize(
    ("many", "one", "left", "workers"),
    [
        (1.0, 1.1, 1000, 4),  # threads help little: processes do
        (1.0, 1.1, 10, None),  # too little is left to start any
        (1.0, 3.9, 1000, None),  # threads help fully
    ],
)
def test_workers_are_started_where_they_are_faster(many, one, left, workers, monkeypatch):
    monkeypatch.setattr(pilot, "_room", lambda: 64)
    crew = pilot._faster(many, one, 4, step(left))
    assert crew == (workers and Crew(workers, 1))


def test_no_more_workers_than_memory_has_room_for(monkeypatch):
    monkeypatch.setattr(pilot, "_room", lambda: 2)
    assert pilot._faster(1.0, 1.1, 8, step(10_000)) == Crew(2, 1)


def test_a_pilot_tries_one_thread_and_all_and_leaves_threads_as_they_were(order, monkeypatch):
    seen, chosen = [], []
    before = torch.get_num_threads()

    def faster(many, one, threads, step):
        chosen.append((threads, step.done))

    class Steps:
        def steps(self):
            for number in range(8):
                yield BatchProgress(number, 8, 0, doing=SimpleNamespace(settings=(None,)))
                seen.append(torch.get_num_threads())

    monkeypatch.setattr(pilot, "_faster", faster)
    monkeypatch.setattr(FatalOrder, "jobs", lambda self: Steps())
    torch.set_num_threads(2)
    try:
        steps = list(pilot.steps(order, None, None))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len(steps) == 8
    assert seen == [2, 2, 1, 2, 1, 2, 2, 2]
    assert chosen == [(2, 5)]

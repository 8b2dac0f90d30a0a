"""A batch on a real Dask cluster of two workers in two processes, one of which is killed."""

import dataclasses
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from distributed import Client, LocalCluster
from PIL import Image

from pda_studio.batch.cluster import ClusterOrder, Pace, carry_out_on
from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import KnownRows, ResultFolder, rows_in
from pda_studio.batch.workers import Order
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError


@pytest.fixture
def order(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(12):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 4 + number : 8 + number] = 255
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    plan = Plan(inputs=(str(folder),), methods=(PlannedMethod(name="grad-cam"),))
    results = ResultFolder(tmp_path / "out")
    results.make()
    return Order(plan, results, images_of(plan.inputs), settings_of(plan), "cpu", time.time())


def test_two_workers_do_every_job_once_though_one_is_killed(order, tmp_path):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        Client(cluster) as client,
    ):
        steps = carry_out_on(cluster.scheduler_address, order)
        assert next(steps).done == 0
        next(steps)
        first = next(iter(client.run(os.getpid).values()))
        os.kill(first, signal.SIGKILL)
        *_, last = steps
    assert (last.done, last.total, last.failed) == (12, 12, 0)
    rows = [row["image"] for path in order.output.row_files() for _, row in rows_in(path)]
    assert sorted(rows) == [f"{number:02}.png" for number in range(12)]
    assert not any(row["error"] for path in order.output.row_files() for _, row in rows_in(path))


def test_a_scheduler_that_is_none_is_told(order, capsys, monkeypatch):
    for address in ("nowhere://1:2", "localhost", "tcp://x:y"):
        with pytest.raises(PdaStudioError, match=f"“{address}” is no address of a Dask scheduler"):
            list(carry_out_on(address, order))
    monkeypatch.setattr("pda_studio.batch.cluster._PATIENCE", 0.2)
    with pytest.raises(PdaStudioError, match="No Dask scheduler answers at tcp:"):
        list(carry_out_on("tcp://127.0.0.1:1", order))
    words = ["--output", str(order.output.folder), "--scheduler", "tcp://x:1", "--workers", "2"]
    assert main(["batch", str(order.images[0].path), *words]) == 2
    assert "leave --workers" in capsys.readouterr().err


def test_no_more_tasks_a_second_than_a_scheduler_bears(monkeypatch):
    clock = [5.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    pace = Pace(100)
    for _ in range(101):
        pace.wait()
    assert clock[0] == pytest.approx(6.0)
    clock[0] += 10  # a rest earns nothing
    for _ in range(11):
        pace.wait()
    assert clock[0] == pytest.approx(16.1)


def test_workers_get_only_images_that_lack_a_result_and_read_no_rows(order, monkeypatch):
    some = replace(order, images=order.images[3:5])
    *_, done = some.jobs().steps()
    assert done.done == done.total == 2
    now, missing = order.jobs().missing()
    assert (now.done, now.total) == (2, 12)
    assert missing == [*order.images[:3], *order.images[5:]]

    def refresh(self):
        raise AssertionError("a task reads rows")

    fields = {one.name: getattr(order, one.name) for one in dataclasses.fields(order)}
    task = ClusterOrder(**fields | {"images": missing})
    with monkeypatch.context() as patch:
        patch.setattr(KnownRows, "refresh", refresh)
        steps = list(task.jobs().steps())
    assert sum(step.row is not None for step in steps) == 10
    again = list(task.jobs().steps())  # as after the death of the worker that did all this
    assert not any(step.row is not None for step in again)


def test_without_dask_the_extra_is_named(order, capsys, monkeypatch):
    monkeypatch.setattr("pda_studio.batch.pilot.find_spec", lambda _: None)
    words = ["--output", str(order.output.folder), "--scheduler", "tcp://127.0.0.1:1"]
    assert main(["batch", str(order.images[0].path), *words]) == 1
    assert "needs Dask; run pip install pda-studio[cluster]." in capsys.readouterr().err

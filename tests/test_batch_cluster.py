"""A batch on a real Dask cluster of two workers in two processes, one of which is killed."""

import os
import signal
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster
from PIL import Image

from pda_studio.batch.cluster import carry_out_on
from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder, rows_in
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


def test_a_scheduler_that_is_none_is_told(order, capsys):
    with pytest.raises(PdaStudioError, match="no Dask scheduler at nowhere://1"):
        list(carry_out_on("nowhere://1", order))
    words = ["--output", str(order.output.folder), "--scheduler", "tcp://x:1", "--workers", "2"]
    assert main(["batch", str(order.images[0].path), *words]) == 2
    assert "leave --workers" in capsys.readouterr().err

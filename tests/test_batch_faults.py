"""Nothing is lost and nothing is done twice: see `batch_processes` and `cluster_processes`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

JOBS = 24  # of 12 images and 2 methods
WHOLE = {"rows": JOBS, "same": True, "left over": []}

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are forked"),
    pytest.mark.xdist_group("batch faults"),  # what is found once is, by one worker
]


def found_by(program, folder):
    """What a program of this folder prints, and what it says."""
    words = [sys.executable, Path(__file__).with_name(program), folder]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"said": done.stderr}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return found_by("batch_processes.py", tmp_path_factory.mktemp("faults"))


def test_killed_at_50_random_moments_every_result_is_there_as_if_done_at_once(found):
    assert found["kills"] > 5  # the others had nothing left to do
    assert found["after kills"] == [0]
    assert found["killed"]["same"]
    assert found["killed"]["rows"] == JOBS


def test_three_processes_at_once_do_every_job_once(found):
    assert found["at once"] == [0, 0, 0]
    assert found["beside"] == WHOLE


def test_what_a_killed_process_was_at_is_done_by_the_one_beside_it(found):
    assert found["beside a killed one"] == [0]
    assert found["taken over"]["same"]
    assert found["taken over"]["rows"] == JOBS


def test_a_full_disk_ends_the_work_in_one_sentence_and_spoils_nothing(found):
    assert found["full status"] == [3]
    assert found["said"].strip().endswith("No space left.")
    assert 0 < found["rows before"] < JOBS
    assert found["after full"] == [0]
    assert found["full"] == WHOLE


def test_parts_in_three_processes_at_once_do_all_of_it(found):
    assert found["parts at once"] == [0, 0, 0]
    assert found["parts"] == WHOLE


def test_after_a_lost_scheduler_the_same_command_does_the_rest(tmp_path):
    found = found_by("cluster_processes.py", tmp_path)
    assert found["lost"] == 3
    assert "The Dask scheduler was lost: once it is there again" in found["said"]
    assert 0 < found["rows before"] <= 20
    assert found["again"] == 0
    assert found["rows"] == [1] * 40

"""The time of a map: sums and ratios that hold whatever the clock says."""

import csv
import io

import pytest

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments import times
from pda_studio.experiments.times import MapTime, batch_sizes, times_of
from pda_studio.studies import study_named
from pda_studio.studies.times import images_timed


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


@pytest.fixture
def clock(monkeypatch):
    """A clock that says 0.5 s of everything."""
    now = [0.0]

    def tick():
        now[0] += 0.5
        return now[0]

    monkeypatch.setattr(times, "perf_counter", tick)


def test_batches_are_quarters_of_the_largest():
    assert batch_sizes(160) == [2, 10, 40, 160]
    assert batch_sizes(1) == [1]
    assert batch_sizes(5) == [1, 5]
    assert images_timed(160) == 4 * sum(batch_sizes(160))
    assert images_timed(3) == 4 * sum(batch_sizes(3))


def test_a_map_is_all_its_infills_and_passes(classifier, clock):
    steps = list(times_of(classifier, window=0, stride=4, samples=10, batches=[1, 4]))
    found = steps[-1].times
    assert found.windows == 49
    assert [(one.method, one.batch) for one in found.maps] == [
        ("Original PDA", 1),
        ("Efficient PDA", 1),
        ("Original PDA", 4),
        ("Efficient PDA", 4),
    ]
    original, efficient = found.maps[2:]
    assert original.passes == 10 * efficient.passes == 490
    assert original.batch_seconds == 0.5
    assert original.forward_seconds == pytest.approx(0.5 * 490 / 4)
    assert efficient.forward_seconds == pytest.approx(original.forward_seconds / 10)
    assert efficient.infill_seconds == pytest.approx(0.5)
    assert original.seconds == original.infill_seconds + original.forward_seconds
    assert steps[0].seconds_left is None
    assert (steps[-1].done, steps[-1].seconds_left) == (steps[-1].total, 0)


def test_a_batch_that_does_not_fit_has_no_time(classifier, monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(type(classifier), "logits", full)
    *_, last = times_of(classifier, window=0, stride=4, samples=2, batches=[1])
    assert [one.seconds for one in last.times.maps] == [None, None]
    assert MapTime("", 1, None, 5, 1.0).forward_seconds is None


def test_the_verb(tmp_path, capsys):
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "time", "--classifier", "digits", "--batch", "4", "--stride", "4"]
    assert main([*words, "--csv", str(table), "--figure", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "A map of digits in batches of 4: original" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["batch"] for row in rows] == ["1", "1", "4", "4"]
    for row in rows:
        both = float(row["infill_seconds"]) + float(row["forward_seconds"])
        assert both == pytest.approx(float(row["seconds"]), rel=1e-3)
    assert "forward passes" in figure.read_text()
    assert not study_named("time").repeatable
    assert main([*words[:-1], "9"]) == 2
    assert "leaves gaps" in capsys.readouterr().err

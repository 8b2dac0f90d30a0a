"""Sampling: the error of a window's score, and what two maps say of the number of samples."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.sampling import Reliability, Sampling, reliability_of
from pda_studio.inspection import Rectangle
from pda_studio.results import Subject
from pda_studio.studies import Inputs, study_named


def made_of(random, repeats=200, samples=100, mean=0.7, spread=0.1):
    values = tuple(random.normal(mean, spread, (repeats, samples)))
    return Sampling(Rectangle(3, 4, 5, 5), 0.9, 0.65, values)


def test_the_band_holds_as_many_repeats_as_it_says():
    found = made_of(np.random.default_rng(0))
    assert found.mean == pytest.approx(0.7, abs=0.003)
    assert found.spread == pytest.approx(0.1, rel=0.03)
    counts = np.array([1.0, 10.0, 100.0])
    low, high = found.band(counts)
    distances = np.abs(found.running()[:, [0, 9, 99]] - found.by_mean)
    inside = ((distances > low) & (distances < high)).mean(0)
    assert np.all(np.abs(inside - 0.95) < 0.05)
    assert found.error(100.0) == pytest.approx(0.01, rel=0.03)
    assert np.std(found.running()[:, 99], ddof=1) == pytest.approx(0.01, rel=0.15)
    assert found.samples_for(0.01) == pytest.approx(100, rel=0.07)


def test_two_maps_tell_how_many_samples_are_needed():
    random = np.random.default_rng(1)
    signal = random.normal(size=(80, 80))
    maps = [
        SimpleNamespace(evidence=(signal + random.normal(0, 1, signal.shape)).astype(np.float32))
        for _ in range(2)
    ]
    found = reliability_of(maps[0], maps[1], 10)
    assert found.signal == pytest.approx(1, rel=0.1)
    assert found.noise == pytest.approx(1, rel=0.1)
    assert found.found == pytest.approx(0.5, abs=0.05)
    assert found.correlation(10.0) == pytest.approx(found.found, abs=0.02)
    assert found.correlation(90.0) == pytest.approx(0.9, abs=0.02)
    assert found.samples_for(0.9) == pytest.approx(90, rel=0.2)
    assert reliability_of(maps[0], maps[0], 10).samples_for(0.99) == 1
    assert Reliability(10, 0.0, 1.0, 0.0).samples_for(0.9) is None


def test_where_the_window_lies(classifier_digits):
    subject = Subject.of(np.zeros((28, 28, 3), np.uint8), classifier_digits)
    clicked = Inputs([], pixel=(3, 5))
    pixel = study_named("sampling").of_values
    assert pixel({})._pixel(clicked, subject) == (3, 5)
    assert pixel({})._pixel(Inputs([]), subject) == (14, 14)
    assert pixel({"x": 9, "y": 8})._pixel(clicked, subject) == (9, 8)
    with pytest.raises(UsageError, match="no pixel at x 28, y 0"):
        pixel({"x": 28, "y": 0})._pixel(clicked, subject)


@pytest.fixture(scope="module")
def classifier_digits():
    from pda_studio.classifiers import load_classifier

    return load_classifier("digits")


def test_the_study_of_an_image(tmp_path, capsys, image):
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "sampling", image, "--samples", "20", "--repeats", "3"]
    words += ["--map-samples", "2", "--x", "12", "--y", "12", "--window", "8"]
    assert main([str(word) for word in [*words, "--csv", table, "--figure", figure]]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = " ".join(out.split())
    assert "Without the window at x 8, y 8 (8×8 pixels) ten samples leave" in told
    assert "two maps correlate by 0.95" in told
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["samples"] for row in rows] == ["1", "2", "5", "10", "20"]
    errors = [float(row["error"]) for row in rows]
    assert errors[0] == pytest.approx(errors[-1] * np.sqrt(20), rel=0.01)
    expected = [float(row["map_correlation"]) for row in rows]
    assert expected == sorted(expected)
    assert "samples S of the window" in figure.read_text()

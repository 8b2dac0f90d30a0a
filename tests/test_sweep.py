"""Sweeps: which values are taken, what follows them, and where maps are stable."""

import csv
import io

import numpy as np
import pytest

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.sweep import Span, stable_range, strips_of
from pda_studio.methods import method_named
from pda_studio.metrics.rank_correlation import rank_correlation
from pda_studio.studies import study_named
from pda_studio.studies.sweep import NUMBERS

NAN = float("nan")


def made(name, **values):
    return method_named(name)(**values)


def test_a_window_takes_its_outer_patch_along():
    method = made("efficient-pda", window=4, outer=12, stride=2)
    (strip,) = strips_of([method], "window", Span(1, 16, 5), 28)
    assert strip.values == (1, 2, 4, 8, 16)
    assert [one.outer for one in strip.methods] == [9, 10, 12, 16, 24]
    assert [one.stride for one in strip.methods] == [1, 2, 2, 2, 2]
    assert strip.own == 2
    assert strip.methods[strip.own] == method
    (near,) = strips_of([method], "window", Span(2, 8, 3, margin=4), 28)
    assert [one.outer for one in near.methods if one != method] == [6, 12]


def test_values_are_taken_around_a_methods_own():
    method = made("efficient-pda", window=4, outer=12)
    (strip,) = strips_of([method, made("grad-cam")], "window", Span(), 28)
    assert strip.values == (1, 2, 3, 4, 6, 10, 16)
    (other,) = strips_of([method], "window", Span(3, 7, 3, geometric=False), 28)
    assert other.values == (3, 4, 5, 7)
    assert other.spaced == (True, False, True, True)
    smooth = made("smooth-grad")
    numbers = [one.name for one in smooth.parameters() if one.kind == "number"]
    (noise,) = strips_of([smooth], numbers[0], Span(0.1, 0.4, 3), 28)
    assert noise.values[-1] == pytest.approx(0.4)
    assert 0.2 in noise.values


@pytest.mark.parametrize(
    ("vary", "span", "message"),
    [
        ("samples", Span(), "plays no part"),
        ("window", Span(5, 5), "must be larger"),
        ("window", Span(200, 300), "window must be a whole number from 1 to 128"),
    ],
)
def test_what_cannot_be_swept_is_refused(vary, span, message):
    methods = [made("efficient-pda", window=4, outer=12), made("grad-cam")]
    with pytest.raises(UsageError, match=message):
        strips_of(methods, vary, span, 28)


def test_where_maps_are_stable():
    assert stable_range([NAN, 0.5, 0.95, 0.97, 0.2, 0.99], 0.9) == (1, 3)
    assert stable_range([NAN, 0.5, 0.6], 0.9) is None
    assert stable_range([NAN, 1.0, NAN, 1.0, 1.0], 0.9) == (2, 4)
    assert stable_range([NAN], 0.9) is None
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 50, 50))
    assert rank_correlation(one, one) == pytest.approx(1)
    assert abs(rank_correlation(one, other)) < 4 / np.sqrt(one.size)
    assert np.isnan(rank_correlation(one, np.ones_like(one)))


def test_every_number_of_every_method_can_be_swept():
    assert NUMBERS["window"] == "Window"
    assert {"window", "outer", "stride", "samples", "tolerance", "seed"} <= set(NUMBERS)
    with pytest.raises(UsageError, match="one of"):
        study_named("sweep").of_values({"vary": "infill"})


def test_the_study_of_an_image(tmp_path, capsys, image):
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "sweep", image, "--smallest", "4", "--largest", "8", "--count", "3"]
    words += ["--method", "occlusion", "grad-cam", "--csv", table, "--figure", figure]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Of all maps over the window and 1 image, those of Occlusion" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["window"] for row in rows] == ["4", "6", "8"]
    assert rows[0]["to_previous"] == ""
    assert [row["to_own"] for row in rows].count("1.0") == 1
    assert "Window (pixels)" in figure.read_text()

"""Edges in maps: a map that is edges, one that is not, what both networks share, and the study."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import rankdata

from pda_studio.cli import main
from pda_studio.experiments.edges import edge_share, edges_of


def square():
    """Grey, with a bright square."""
    pixels = np.full((40, 40, 3), 60, np.uint8)
    pixels[10:30, 12:28] = 200
    return pixels


def test_edges_are_where_the_image_changes():
    for detector in ("sobel", "canny"):
        edges = edges_of(square(), detector, 1.0)
        assert edges.shape == (40, 40)
        rows, columns = np.nonzero(edges > edges.max() / 2)
        assert {9, 10, 29, 30} >= {rows.min(), rows.max()}
        assert set(columns) >= {11} or set(columns) >= {12}
        assert max(edges[15:25, 17:23].max(), edges[:5].max()) < 1e-9


def test_maps_that_are_edges_and_maps_that_are_not():
    random = np.random.default_rng(0)
    edges, noise, other = random.normal(size=(3, 60, 60)) ** 2
    same = edge_share(-edges, noise, edges)
    assert same.trained == pytest.approx(1), "the sign does not count"
    error = 4 / np.sqrt(edges.size)
    assert max(abs(same.random), abs(same.networks)) < error
    # Both networks show edges and noise of their own: without the edges nothing is left.
    both = edge_share(edges + noise, edges + other, edges)
    assert min(both.trained, both.random, both.networks) > 0.3
    assert abs(both.rest) < both.networks / 4
    # Both show the same noise, which has nothing to do with edges: all of it is left.
    apart = edge_share(noise, noise + 0.1 * other, edges)
    assert apart.rest == pytest.approx(apart.networks, abs=0.01)
    assert np.isnan(edge_share(edges, np.zeros((60, 60)), edges).networks)


def test_what_is_left_is_the_partial_correlation():
    edges, noise, other = np.random.default_rng(1).normal(size=(3, 30, 30)) ** 2
    found = edge_share(edges + noise, edges + 2 * other, edges)
    one, two, three = (rankdata(v) for v in (edges + noise, edges + 2 * other, edges))
    beside = np.stack([three, np.ones(three.size)], 1)
    left = [values - beside @ np.linalg.lstsq(beside, values)[0] for values in (one, two)]
    assert found.rest == pytest.approx(np.corrcoef(left)[0, 1])


def test_the_study_of_a_folder(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (6, 9):
        Image.fromarray(square()[place : place + 28, :28, 0]).save(folder / f"{place}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "edges", "--folder", folder, "--csv", table, "--figure", figure]
    words += ["--method", "saliency", "guided-backpropagation"]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Over 2 images, maps of" in " ".join(out.split())
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert list(rows) == ["Saliency", "Guided backpropagation"]
    for row in rows.values():
        assert row["images"] == "2"
        assert -1 <= float(row["low"]) <= float(row["edges"]) <= float(row["high"]) <= 1
    assert "edges taken out" in figure.read_text()

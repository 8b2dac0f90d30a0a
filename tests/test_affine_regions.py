"""Affine regions: a network by hand, slopes against gradients, and the study."""

import csv
import io

import numpy as np
import pytest
import torch

from pda_studio.cli import main
from pda_studio.experiments.regions import affine_at, network_of, plane_of, points_of, training
from pda_studio.report import Origin, study_command
from pda_studio.studies import study_named


def test_two_relus_make_four_quarters():
    network = network_of(1, 2, 0)
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(2))
        network[0].bias.zero_()
        network[2].weight.copy_(torch.tensor([[2.0, -3.0]]))
        network[2].bias.fill_(0.5)
    points = np.array([[1.0, 0.2], [1.0, 0.9], [-1.0, -1.0]])
    found = plane_of(network, points, np.array([1, 0, 0]), 40)
    assert len(found.regions) == 4
    pieces = {tuple(one.slope): one for one in found.regions}
    assert set(pieces) == {(0, 0), (2, 0), (0, -3), (2, -3)}
    assert pieces[2, -3].points == 2
    assert pieces[0, 0].points == 1
    for one in found.regions:
        assert one.area == pytest.approx(0.25)
        assert one.bias == 0.5
        assert one.error < 1e-12
    assert found.accuracy == pytest.approx(2 / 3)  # logits 1.9, −0.2 and 0.5


def test_regions_have_the_gradients_of_the_network():
    *_, found = training("rings", count=200, layers=3, units=5, steps=150, side=61, seed=1)
    network = network_of(2, 4, 3)
    random = np.random.default_rng(0)
    for point in random.uniform(-1, 1, (5, 2)):
        x = torch.from_numpy(point).requires_grad_()
        logit = network(x)[0]
        logit.backward()
        hidden = network[:2](x)
        pattern = np.concatenate([(hidden > 0).numpy(), (network[:4](x) > 0).numpy()])
        slope, bias = affine_at(network, pattern)
        assert slope == pytest.approx(x.grad.numpy())
        assert bias == pytest.approx(logit.item() - slope @ point)
    assert max(one.error for one in found.regions) < 1e-9
    assert sum(one.area for one in found.regions) == pytest.approx(1)
    assert sum(one.points for one in found.regions) <= 200
    areas = [one.area for one in found.regions]
    assert areas == sorted(areas, reverse=True)
    assert np.bincount(found.label.ravel()) / found.label.size == pytest.approx(areas)


def test_two_seeds_learn_the_points():
    for kind in ("rings", "moons", "quarters"):
        points, classes = points_of(kind, 100, 0)
        assert points.shape == (100, 2)
        assert 20 < classes.sum() < 80
    ends = []
    for seed in (1, 2):
        *_, found = training("rings", count=150, layers=3, units=5, steps=300, side=41, seed=seed)
        assert found.accuracy > 0.95
        assert 5 < len(found.regions) < 200
        ends.append(found)
    assert not np.array_equal(ends[0].logit, ends[1].logit)


def test_it_takes_no_classifier(capsys):
    assert main(["study", "affine-regions", "--classifier", "digits"]) == 2
    assert "--classifier" in capsys.readouterr().err
    study = study_named("affine-regions").of_values({"units": 7})
    words = study_command(study, Origin(None, (("digits", None),)))
    assert words == ["study", "affine-regions", "--units", "7", "--csv", "affine-regions.csv"]


def test_the_verb(tmp_path, capsys):
    figure, table = tmp_path / "a.svg", tmp_path / "a.csv"
    words = ["study", "affine-regions", "--training", "40", "--csv", table, "--figure", figure]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "3 layers of 5 ReLUs, after 40 steps, cut the plane into" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert sum(float(row["area"]) for row in rows) == pytest.approx(1, abs=1e-3)
    assert "affine regions" in figure.read_text()

"""Toy networks: their maps against the papers' equations, and what the study says of them."""

import csv
import io

import numpy as np
import pytest
import torch

from pda_studio.cli import main
from pda_studio.experiments.toy_networks import (
    RULES,
    Recoveries,
    carried_back,
    expected_map,
    network,
    recoveries,
)

SHAPE, KERNEL = (3, 12, 10), 3


@pytest.fixture(scope="module")
def pixels():
    return torch.from_numpy(np.random.default_rng(3).normal(size=SHAPE).astype(np.float32))


def by_equation_2(layers, pixels, rule, logit):
    """Σ_j D_jᵀ Σ_i h(V) w̃, place by place and filter by filter, in float64."""
    filters = layers[0].weight.double().numpy()
    ends = layers[-1].weight[logit].double().numpy().reshape(len(filters), SHAPE[1] - 2, -1)
    image, found = pixels.double().numpy(), np.zeros(SHAPE)
    for top in range(ends.shape[1]):
        for left in range(ends.shape[2]):
            place = np.s_[:, top : top + KERNEL, left : left + KERNEL]
            for weights, end in zip(filters, ends[:, top, left], strict=True):
                active = (weights * image[place]).sum() > 0
                passed = {
                    "gradient": end * active,
                    "guided backprop": max(end, 0) * active,
                    "deconvnet": max(end, 0),
                }
                found[place] += passed[rule] * weights
    return found


@pytest.mark.parametrize("rule", RULES)
def test_maps_are_equation_2(pixels, rule):
    layers = network("convolution", 4, SHAPE, KERNEL, 5)
    expected = by_equation_2(layers, pixels, rule, 1)
    assert np.abs(carried_back(layers, pixels, rule, 1).numpy() - expected).max() < 1e-4


def test_the_expected_map_puts_patches_of_length_1_back():
    image = torch.tensor([[[3.0, 4.0, 0.0]]])
    assert torch.allclose(expected_map(image, 1), torch.tensor([[[1.0, 1.0, 0.0]]]))
    assert torch.allclose(expected_map(image, 0), image / 5)


def test_guided_backprop_recovers_the_image_as_filters_grow(pixels):
    found = last_of([("noise", pixels)], filters=[8, 2048], units=[8, 2048], repeats=2)
    few, many = (mean(found, "convolution", width, "of_theory") for width in (8, 2048))
    assert few < 0.6
    assert many > 0.95
    assert mean(found, "convolution", 2048, "of_image") > 0.8, "its edges are in fewer patches"
    assert abs(mean(found, "convolution", 2048, "of_image", "gradient")) < 0.15
    assert mean(found, "convolution", 2048, "of_logits") > 0.9, "it says nothing of the class"
    assert mean(found, "fully connected", 8, "of_image") < few
    assert {one.width for one in found.each if one.kind == "fully connected"} == {8, 2048}


def last_of(images, **given) -> Recoveries:
    *_, (step, found) = recoveries(images, kernel=KERNEL, **given)
    assert step.done == step.total == len(found.each) / len(RULES)
    return found


def mean(found: Recoveries, kind, width, name, rule="guided backprop"):
    return np.mean([getattr(one, name) for one in found.of(kind, width, rule)])


def test_the_study_says_the_same_of_other_weights(tmp_path, capsys, image):
    words = ["study", "toy-networks", image, "--filters", "64", "--units", "64", "--repeats", "2"]
    tables, sentences = [], []
    for run, seed in enumerate("03"):
        path = tmp_path / f"{run}.csv"
        extra = ["--seed", seed, "--csv", path, "--figure", tmp_path / "toy.svg"]
        main([str(word) for word in [*words, "--kernel", "5", *extra]])
        tables.append(path.read_text())
        sentences.append(" ".join(capsys.readouterr().out.split()))
    assert tables[0] != tables[1]
    assert all("shows the image itself" in sentence for sentence in sentences)
    rows = list(csv.DictReader(io.StringIO(tables[0])))
    assert {row["network"] for row in rows} == {"convolution", "max-pooling", "fully connected"}
    assert (tmp_path / "toy.svg").stat().st_size > 10_000


def test_filters_larger_than_the_input(capsys, image):
    assert main(["study", "toy-networks", str(image), "--kernel", "31"]) == 2
    assert "larger than the input of 28×28" in capsys.readouterr().err

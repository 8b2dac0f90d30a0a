"""Random weights: similarities of known maps, networks made random, and the study over them."""

import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr, spearmanr
from skimage.feature import hog
from skimage.metrics import structural_similarity

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.random_weights import cascade, layers_with_weights, randomised
from pda_studio.experiments.randomisation import randomisation_over_images
from pda_studio.methods import method_named
from pda_studio.metrics.similarity import independent, similarity
from pda_studio.results import Subject
from pda_studio.studies.randomisation import INDEPENDENT
from pda_studio.targets import UnitTarget


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


def bar(place):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + 3] = 255
    return pixels


@pytest.fixture
def run(classifier):
    def run(*names, count=1, **options):
        subjects = [
            SubjectInput(f"bar {place}", lambda place=place: Subject.of(bar(place), classifier))
            for place in (9, 15)[:count]
        ]
        methods = [method_named(name)() for name in names]
        return list(randomisation_over_images(classifier, subjects, methods, **options))

    return run


def weights(classifier):
    return {name: values.clone() for name, values in classifier.network.state_dict().items()}


def test_similarity_of_equal_opposite_and_independent_maps():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 56, 56)).astype(np.float32)
    same = similarity(one, 3 * one)
    for name in ("spearman", "absolute", "ssim", "hog"):
        assert getattr(same, name) == pytest.approx(1), name
    apart = similarity(one, other)
    error = 4 / np.sqrt(one.size)
    assert abs(apart.spearman) < error
    assert abs(apart.absolute) < error
    assert abs(apart.ssim) < 0.1
    assert abs(apart.hog) < 0.2
    opposite = similarity(one, -one)
    assert opposite.spearman == pytest.approx(-1)
    assert opposite.absolute == pytest.approx(1)
    flat = similarity(one, np.zeros_like(one))
    assert np.isnan([flat.spearman, flat.absolute, flat.hog]).all()
    with pytest.raises(UsageError, match="different sizes"):
        similarity(one, one[:-1])
    with pytest.raises(UsageError, match="less than 12"):
        similarity(one[:5], one[:5])


MEASURES = ("spearman", "absolute", "ssim", "hog")


def told(pairs):
    """All four similarities of each pair of maps: (pairs, 4)."""
    each = [similarity(*pair) for pair in pairs]
    return np.array([[getattr(one, name) for name in MEASURES] for one in each])


def drawn(seed, *, side=56, border=0, smooth=0.0):
    """A map of Gaussian noise, blank at its border."""
    made = gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), smooth)
    made[:border] = made[side - border :] = made[:, :border] = made[:, side - border :] = 0
    return made


@pytest.mark.parametrize("smooth", [0, 2])
def test_independent_maps_without_blank_places_are_alike_by_nothing(smooth):
    pairs = [(drawn(seed, smooth=smooth), drawn(100 + seed, smooth=smooth)) for seed in range(12)]
    found = told(pairs)
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(0)) < 4 * error + 0.03).all(), "0.03 of HOG"
    assert (error < 0.05).all()


def test_what_independent_maps_are_alike_by_is_told():
    # Blank places are alike by all measures but ρ, and an independent map has the same ones.
    maps = [(drawn(seed, border=14), drawn(100 + seed, border=14)) for seed in range(8)]
    found = told(maps)
    expected = told((one, independent(one, seed)) for seed, (one, _) in enumerate(maps, 50))
    assert abs(found[:, 0].mean()) < 0.05
    assert found[:, 1:].mean(0).min() > 0.3
    error = np.sqrt((found.var(0, ddof=1) + expected.var(0, ddof=1)) / len(maps))
    assert (np.abs(found.mean(0) - expected.mean(0)) < 4 * error).all()


def test_an_independent_map_has_the_same_values_and_is_as_smooth():
    one = drawn(3, smooth=2)
    other = independent(one, 7)
    assert np.array_equal(np.sort(other, axis=None), np.sort(one, axis=None))
    assert np.array_equal(other, independent(one, 7))
    roughness = [np.diff(values, axis=1).std() / values.std() for values in (one, other)]
    assert 0.5 * roughness[0] < roughness[1] < 1.5 * roughness[0] < 1, "of noise it is √2"
    assert abs(similarity(one, other).spearman) < 0.4


def test_similarities_are_those_of_the_libraries():
    one, other = drawn(1), drawn(2)
    scaled = [values / np.abs(values).max() for values in (one, other)]
    found = similarity(one, other)
    assert found.spearman == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert found.ssim == pytest.approx(structural_similarity(*scaled, data_range=2))
    features = [hog(values, pixels_per_cell=(4, 4)) for values in scaled]  # 16 of 224
    assert found.hog == pytest.approx(pearsonr(*features).statistic)


def test_weights_are_random_from_the_top_and_the_network_stays(classifier):
    before = weights(classifier)
    layers = layers_with_weights(classifier)
    assert layers == [("fc2",), ("fc1",), ("conv2",), ("conv1",)]
    for how in ("re-initialise", "shuffle"):
        made = randomised(classifier, ("fc2", "fc1"), 3, how)
        for name, values in weights(made).items():
            same = torch.equal(values, before[name])
            assert same == (not name.startswith("fc")), name
            if how == "shuffle":
                assert torch.equal(values.flatten().sort()[0], before[name].flatten().sort()[0])
        again = randomised(classifier, ("fc2", "fc1"), 3, how)
        other = randomised(classifier, ("fc2", "fc1"), 4, how)
        assert again.fingerprint == made.fingerprint
        assert len({made.fingerprint, other.fingerprint, classifier.fingerprint}) == 3
    after = weights(classifier)
    assert all(torch.equal(values, after[name]) for name, values in before.items())


def test_which_layers_are_random_together():
    assert list(cascade(4, 10, "cascading")) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert list(cascade(26, 3, "cascading")) == [(0, 1), (0, 14), (0, 26)]
    assert list(cascade(26, 1, "cascading")) == [(0, 1), (0, 26)]
    assert list(cascade(4, 10, "independent")) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert list(cascade(4, 10, "all")) == [(0, 4)]


def test_a_method_that_ignores_the_top_does_not_change_with_it(run):
    # Nie et al., Adebayo et al.: guided backpropagation hardly knows the class, a gradient does
    (*_, (step, found)) = run("guided-backpropagation", "input-x-gradient", depths=2)
    assert step.done == step.total
    assert [told.layer for told in found.ranges] == ["fc2", "conv1"]
    top = found.by_range[0][0]
    assert top[0].spearman > 0.8 > 0.5 > abs(top[1].spearman)
    for rows in found.by_class.values():
        assert rows[0][0].spearman > 0.8 > 0.5 > rows[0][1].spearman


def test_two_seeds_agree_about_what_is_lost(run):
    ends = []
    for seed in (0, 1):
        (*_, (_, found)) = run("saliency", count=2, which="all", seed=seed)
        ends.append(np.mean([row[0].spearman for row in found.by_range[0]]))
    assert ends[0] != ends[1]
    assert max(ends) < 0.6


def test_without_other_classes_the_study_goes_on(classifier):
    subject = Subject.of(bar(9), classifier, UnitTarget("fc1", 3))
    subjects = [SubjectInput("bar", lambda: subject)]
    steps = randomisation_over_images(
        classifier, subjects, [method_named("saliency")()], which="all"
    )
    (*_, (step, found)) = steps
    assert step.done == step.total
    assert not any(found.by_class.values())
    assert len(found.by_range) == 1


def test_the_study_over_a_folder(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for place in (9, 15):
        Image.fromarray(bar(place)[..., 0]).save(folder / f"{place:02}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "random-weights", "--folder", folder, "--depths", "2"]
    words += ["--method", "saliency", "guided-backpropagation", "--csv", table, "--figure", figure]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "With random weights in 4 of 4 layers, maps of" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["layers"] for row in rows] == ["0"] * 4 + ["1"] * 2 + ["4"] * 2 + ["0"] * 2
    assert rows[-3]["compared"] == "random weights down to conv1 (4 of 4 layers)"
    assert rows[-1]["compared"] == INDEPENDENT
    assert abs(float(rows[-1]["spearman"])) < 0.5
    assert all(row["images"] == "2" for row in rows)
    assert "conv1" in figure.read_text()

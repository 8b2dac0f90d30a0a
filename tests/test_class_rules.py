"""Rules of a class: planted patches and rules that were planted are found."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from planted import LEVEL, UPRIGHT, image, inputs, planted

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.class_rules import (
    Patches,
    class_rules,
    clustered,
    features_of,
    strongest_patches,
)
from pda_studio.experiments.class_rules_figure import draw_class_rules
from pda_studio.experiments.patch_rules import rules_together, rules_without
from pda_studio.figures.image_places import drawn_with_places
from pda_studio.methods import method_named

BOTH, ONLY_UPRIGHT, ONLY_LEVEL = [UPRIGHT, LEVEL], [UPRIGHT], [LEVEL]


@pytest.fixture(scope="module")
def classifier():
    return planted()


def rules_of(classifier, contents, **values):
    method = method_named("input-x-gradient").create(classifier)
    steps = class_rules(
        classifier,
        inputs(classifier, contents),
        method,
        Patches(side=5, layer="relu", **values),
        index=0,
        members="all",
    )
    *_, (step, found) = steps
    assert step.done == step.total
    return found


@pytest.fixture(scope="module")
def found(classifier):
    """Twenty images have an upright bar, and most of those without one a level bar instead."""
    contents = [BOTH] * 4 + [ONLY_UPRIGHT] * 16 + [ONLY_LEVEL] * 16
    return rules_of(classifier, contents)


def test_planted_patches_are_clusters_of_their_own(found):
    assert len(found.clusters) == 2
    assert found.silhouette > 0.8
    assert [one.name for one in found.clusters] == ["A", "B"]
    images = [{patch.image for patch in one.patches} for one in found.clusters]
    assert sorted(map(len, images)) == [one.images for one in found.clusters] == [20, 20]
    assert set(range(20)) in images
    assert set(range(4)) | set(range(20, 36)) in images
    assert sum(one.part for one in found.clusters) == pytest.approx(1)
    for one in found.clusters:
        upright = {patch.image for patch in one.patches} == set(range(20))
        for patch in one.patches:  # each bar has a half of its own
            assert (patch.column + 2.5 < 12) == upright
        shown = [patch.image for patch, _ in one.examples]
        assert len(set(shown)) == len(shown) == 7


def test_the_planted_rule_is_found(found):
    (pair,) = found.together
    assert (pair.images, pair.lift) == (4, pytest.approx(4 * 36 / (20 * 20)))
    assert pair.p < 1e-6
    assert len(found.without) == 2
    for one in found.without:
        assert one.images == 16
        assert one.absent > 3 * one.present
        assert one.p < 1e-4


def test_the_figure_shows_patches_of_images(found):
    _, places = drawn_with_places(draw_class_rules(found), 40)
    shown = {patch.image for one in found.clusters for patch, _ in one.examples}
    assert {one.image for one in places} == shown
    without_pairs = draw_class_rules(replace(found, together=(), without=()))
    _, places = drawn_with_places(without_pairs, 40)
    assert {one.image for one in places} == shown
    assert (without_pairs.get_size_inches() < draw_class_rules(found).get_size_inches()).all()


def test_independent_kinds_have_no_rule():
    random = np.random.default_rng(1)
    evidence = random.uniform(1, 2, (200, 3)) * (random.random((200, 3)) < [0.5, 0.4, 1.0])
    together = rules_together(["A", "B", "C"], evidence > 0)
    (pair,) = together
    assert (pair.first, pair.other) == ("A", "B"), "C is in all images, which tells nothing"
    assert pair.lift == pytest.approx(1, abs=0.25)
    assert pair.p > 0.05
    without = rules_without(["A", "B", "C"], evidence)
    assert {one.missing for one in without} == {"A", "B"}
    assert min(one.p for one in without) > 0.05
    evidence[:, 1] = np.where(evidence[:, 0] > 0, 0, evidence[:, 1])  # B where A is missing alone
    (pair,) = rules_together(["A", "B", "C"], evidence > 0)
    assert (pair.images, pair.lift) == (0, 0)
    first = rules_without(["A", "B", "C"], evidence)[0]
    assert {first.kind, first.missing} == {"A", "B"}
    assert first.absent > first.present == 0


def test_strongest_patches_do_not_overlap():
    evidence = np.zeros((12, 16))
    evidence[2:5, 3:6] = 4  # one patch, and weaker ones on both sides of it
    evidence[2:5, 6:9] = 2
    evidence[8:11, 10:13] = 0.5
    evidence[8:11, 0:3] = -9
    assert strongest_patches(evidence, 3, 9, 0.0)[:3] == [(2, 3, 4.0), (2, 6, 2.0), (8, 10, 0.5)]
    assert [one[:2] for one in strongest_patches(evidence, 3, 9, 0.25)] == [(2, 3), (2, 6)]
    assert len(strongest_patches(evidence, 3, 1, 0.0)) == 1
    assert strongest_patches(-np.abs(evidence) - 1, 3, 9, 0.0) == []


def test_features_are_those_of_the_place():
    values = np.zeros((2, 4, 4))
    values[0, 1, 2], values[1, 2, 2] = 1, 1
    assert features_of(values, (4, 8), 4, (16, 16)).tolist() == [1, 0]
    both = features_of(values, (7, 8), 4, (16, 16))  # one row of the first, three of the other
    assert both == pytest.approx(np.array([1, 3]) / 10**0.5)
    assert not features_of(values, (0, 0), 4, (16, 16)).any()


def test_the_number_of_clusters():
    random = np.random.default_rng(0)
    features = np.concatenate(
        [np.eye(3)[place] + 0.05 * random.standard_normal((9, 3)) for place in range(3)]
    )
    labels, silhouette = clustered(features, Patches())
    assert silhouette > 0.7
    assert [len(set(labels[start : start + 9])) for start in (0, 9, 18)] == [1, 1, 1]
    assert len(set(labels)) == 3
    assert len(set(clustered(features, Patches(clusters=5))[0])) == 5
    labels, silhouette = clustered(np.ones((6, 3)), Patches())
    assert not labels.any()
    assert np.isnan(silhouette)


def test_what_has_no_rules_is_said(classifier):
    with pytest.raises(UsageError, match="rules need 3 at least"):
        rules_of(classifier, [BOTH] * 2)
    with pytest.raises(UsageError, match="Only 0 patches of 5 images speak for “marked”"):
        rules_of(classifier, [[]] * 5)


def test_the_verb(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for place in range(6):
        Image.fromarray(image([UPRIGHT], random)).save(folder / f"{place}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "class-rules", str(folder), "--method", "saliency", "--members", "all"]
    assert main([*words, "--csv", str(table), "--figure", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = " ".join(out.split())
    assert "In 6 images of “" in told
    assert "no rule between them is significant: 6 images are too few to tell." in told
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert rows[0]["rule"] == "counts"
    assert {row["rule"] for row in rows} <= {"counts", "together", "without"}
    assert "of images" in figure.read_text()

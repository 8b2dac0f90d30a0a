"""Clusters of maps: where a watermark decides alone, the maps are a cluster of their own."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from planted import LEVEL, UPRIGHT, WATERMARK, image, inputs, planted

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.class_images import ClassImages, images_of_class
from pda_studio.experiments.map_clusters import Clustering, clustered, map_clusters, small_map
from pda_studio.experiments.map_clusters_figure import draw_map_clusters
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.figures.image_places import drawn_with_places
from pda_studio.methods import method_named


@pytest.fixture(scope="module")
def classifier():
    return planted()


def last(steps):
    *_, (step, found) = steps
    assert step.done == step.total
    return found


def clusters_of(classifier, contents, **values):
    method = method_named("input-x-gradient").create(classifier)
    subjects = inputs(classifier, contents)
    clustering = Clustering(**values)
    return last(map_clusters(classifier, subjects, method, clustering, index=0, members="all"))


@pytest.fixture(scope="module")
def clever_hans(classifier):
    """Every second image has a watermark, which decides there; all have bars."""
    contents = [[UPRIGHT, LEVEL, *[WATERMARK] * (place % 2)] for place in range(48)]
    return clusters_of(classifier, contents)


def test_a_watermark_is_a_cluster_of_its_own(clever_hans):
    marked = set(range(1, 48, 2))
    of_marked = [one for one in clever_hans.clusters if marked & set(one.members.tolist())]
    (found,) = of_marked
    assert set(found.members.tolist()) == marked
    assert found.silhouette > 0.8
    peak = np.unravel_index(found.mean.argmax(), found.mean.shape)
    assert min(peak) >= 12, "the mean map shows the corner"
    assert found.silhouette == max(one.silhouette for one in clever_hans.clusters)
    assert len(found.examples) == 4
    assert {int(one.name) for one in found.examples} <= marked


def test_points_and_tiles_of_the_figure_stand_for_images(clever_hans):
    pixels, places = drawn_with_places(draw_map_clusters(clever_hans), 50)
    shown = sum(len(one.examples) for one in clever_hans.clusters)
    assert len(places) == 48 + shown
    assert [one.image for one in places[:48]] == list(range(48)), "points come in their order"
    for one in places:
        middle = (one.left + one.right) / 2, (one.top + one.bottom) / 2
        assert all(0 < value < 1 for value in middle)
        assert one.holds(*middle)
        assert one.distance(*middle) == 0
        assert not one.holds(0.001, 0.001)
    tile = places[-1]
    rows = slice(int(tile.top * len(pixels)) + 2, int(tile.bottom * len(pixels)) - 2)
    across = slice(int(tile.left * pixels.shape[1]) + 2, int(tile.right * pixels.shape[1]) - 2)
    assert pixels[rows, across, :3].mean() < 128, "the image is dark, what is around it white"
    first = clever_hans.clusters[0].members[0]
    assert first in {one.image for one in places[48:]}


@pytest.mark.parametrize("groups", [1, 3])
def test_as_many_clusters_as_there_are(groups):
    random = np.random.default_rng(0)
    middles = 3 * random.standard_normal((groups, 4, 4))
    maps = np.concatenate([one + random.standard_normal((30, 4, 4)) for one in middles])
    subjects = tuple(SubjectInput(str(place), None) for place in range(len(maps)))
    of = ClassImages(0, "a", subjects, tuple(np.linspace(0, 1, len(maps))), (True,) * len(maps))
    found = clustered(of, maps, Clustering(embedding="spectral"))
    assert len(found.clusters) == groups
    assert [len(one.members) for one in found.clusters] == [30] * groups
    assert all(len({place // 30 for place in one.members}) == 1 for one in found.clusters)
    assert found.plane.shape == (30 * groups, 2)
    assert found.clusters[-1].probability == pytest.approx(1 - 0.5 / groups, abs=0.01)
    if groups > 1:
        assert found.eigenvalues[groups - 1] < 0.1 < found.gap
    wanted = clustered(of, maps, Clustering(clusters=4, embedding="spectral"))
    assert len(wanted.clusters) == 4


def test_small_maps():
    random = np.random.default_rng(0)
    evidence = random.standard_normal((30, 40)).astype(np.float32)
    for counted in ("signed", "positive", "absolute"):
        small = small_map(evidence, 8, counted)
        assert small.shape == (8, 8)
        assert np.sqrt((small**2).mean()) == pytest.approx(1)
        assert (small < 0).any() == (counted == "signed")
    assert not small_map(0 * evidence, 8).any(), "a map of zeros stays one"


def test_which_images_are_of_a_class(classifier):
    subjects = inputs(classifier, [[UPRIGHT], [], [LEVEL], [UPRIGHT, LEVEL]])

    def found(index, members):
        steps = images_of_class(classifier, subjects, index, members)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    frequent = found(-1, "predicted")
    assert (frequent.index, frequent.name) == (0, "marked")
    assert [one.name for one in frequent.images] == ["000", "002", "003"]
    assert min(frequent.probabilities) > 0.5
    assert [one.name for one in found(1, "predicted").images] == ["001"]
    everything = found(1, "all")
    assert len(everything.images) == 4
    assert everything.images[0].load().target.index == 1, "all are explained for the class"
    with pytest.raises(UsageError, match="there is no 7"):
        found(7, "all")
    with pytest.raises(UsageError, match="None of 1 images is predicted to be “plain”"):
        list(images_of_class(classifier, subjects[:1], 1, "predicted"))
    method = method_named("input-x-gradient").create(classifier)
    with pytest.raises(UsageError, match="need 6 at least"):
        list(map_clusters(classifier, subjects, method, Clustering(), index=0, members="all"))


def test_the_verb(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for place in range(8):
        Image.fromarray(image([UPRIGHT], random)).save(folder / f"{place}.png")
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = ["study", "map-clusters", str(folder), "--method", "saliency", "--members", "all"]
    assert main([*words, "--csv", str(table), "--figure", str(figure)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "The maps of 8 images of “" in " ".join(out.split())
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert sum(int(row["images"]) for row in rows) == 8
    assert "most typical images" in figure.read_text()

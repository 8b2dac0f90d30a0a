"""Studies of maps: reuse of finished maps, time left, known truths."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments import map_work, trials
from pda_studio.experiments.disagreement import (
    Disagreement,
    correlations,
    disagreement_over_images,
)
from pda_studio.experiments.expected import Expected, later_pace
from pda_studio.experiments.gains import gains_over_images
from pda_studio.experiments.map_work import MapWork, SubjectInput
from pda_studio.methods import METHODS, method_named
from pda_studio.pda.forward.incremental.plan import blocks
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import Subject
from pda_studio.store import MapStore
from pda_studio.studies import Inputs, study_named
from pda_studio.studies.over_images import mean_with_interval


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


def bar(place, width=3):
    """A bar, as a digit may look."""
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, place : place + width] = 255
    return pixels


@pytest.fixture
def subjects(classifier):
    def load(place):
        return lambda: Subject.of(bar(place), classifier)

    return [SubjectInput(f"bar {place}", load(place)) for place in (9, 15)]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "images"
    made.mkdir()
    for place in (9, 15):
        Image.fromarray(bar(place)[..., 0]).save(made / f"{place:02}.png")
    return made


@pytest.fixture
def counted(monkeypatch):
    """How often Saliency computes a map."""
    kind, calls = METHODS["saliency"], []
    real = kind.steps

    def steps(self, subject):
        calls.append(subject)
        yield from real(self, subject)

    monkeypatch.setattr(kind, "steps", steps)
    return calls


def studied(capsys, *words):
    capsys.readouterr()
    status = main(["study", *map(str, words)])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return " ".join(out.split())


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def finished(steps):
    return list(steps)[-1]


# What all of them share


def test_a_study_that_was_stopped_goes_on_from_its_finished_maps(subjects, counted):
    methods = [method_named("saliency")(), method_named("grad-cam")()]
    first = disagreement_over_images(subjects, methods)
    for step, _ in first:
        if step.done == 200:  # both maps of the first image
            break
    first.close()
    before = len(counted)
    finished(disagreement_over_images(subjects, methods))
    assert {id(one.view) for one in counted[before:]} == {id(counted[-1].view)}
    again = len(counted)
    finished(disagreement_over_images(subjects, methods))
    assert len(counted) == again


def test_time_left_is_known_before_the_first_map_and_ends_at_nothing(subjects):
    work = MapWork([method_named("efficient-pda")(window=4, outer=8, stride=2)], 2)
    subject = subjects[0].load()
    trial = list(work.trial(subject))
    assert trial[0].seconds_left is None
    assert trial[-1].seconds_left > 0
    assert trial[-1].done == 0
    steps = [*work.map_of(0, subject), *work.map_of(0, subjects[1].load())]
    assert steps[-1].seconds_left == 0
    assert steps[-1].done == steps[-1].total == 200
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert len(set(done)) > 4, "a map's own steps are seen"


def test_a_trial_tells_the_time_of_single_windows_and_of_blocks(monkeypatch):
    # A clock by which a window alone takes 1 s, one in a block 0.1 s, and preparation 5 s.
    grid, clock = WindowGrid(40, 40, 4, 1), [0.0]
    monkeypatch.setattr(trials, "perf_counter", lambda: clock[0])

    class Timed:
        def steps(self, subject):
            clock[0] += 5
            done = 0
            for block in blocks(grid, 4):
                clock[0] += 1 if len(block) == 1 else 0.1 * len(block)
                done += len(block)
                yield SimpleNamespace(done=done, total=len(grid), stage="")

    method = Timed()
    told = trials.seconds_of(method, None)
    assert clock[0] < 20, "it ends soon"
    clock[0] = 0.0
    list(method.steps(None))
    assert told == pytest.approx(clock[0], rel=0.1)


def test_what_lies_between_maps_is_counted(subjects, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(map_work, "perf_counter", lambda: clock[0])
    work = MapWork([method_named("saliency")()], 4)
    subject = subjects[0].load()
    list(work.map_of(0, subject))
    clock[0] += 3  # the next image is loaded, and so on
    *_, last = work.map_of(0, subjects[1].load())
    assert last.seconds_left == pytest.approx(2 * 3)


def test_time_left_follows_the_maps_where_the_trial_was_wrong():
    expected = Expected(2)
    assert expected.of_map(0) is None
    expected.tried(0, 10.0)
    expected.tried(1, 30.0)
    steps = [(float(second), 5 * second) for second in range(1, 20)]  # 20 s, not 10 s
    rest = [expected.of_rest(0, steps[:count], 100) for count in (1, 5, 10, 19)]
    assert rest == pytest.approx([9.5, 9.375, 7.5, 0.975])
    expected.spent(0, 20.0)
    assert expected.of_map(0) == 20
    assert expected.of_map(1) == 60  # the machine is busier than it was
    expected.spent(1, 40.0)
    expected.spent(0, 30.0)
    assert (expected.of_map(0), expected.of_map(1)) == (25, 40)
    assert later_pace([(1.0, 4)]) is None
    assert later_pace([(0.0, 1), (8.0, 2), (9.0, 12), (10.0, 22)]) == pytest.approx(0.1)


def test_the_rest_of_a_study_that_was_stopped_takes_what_its_first_maps_took(subjects):
    method = method_named("efficient-pda")(window=4, outer=8, stride=1)
    subject = subjects[0].load()
    *_, last = MapWork([method], 1).map_of(0, subject)
    assert last.done == 100
    kept = MapStore().read(method, subject.with_fixed_batch())
    work = MapWork([method], 3)
    *_, step = work.trial(subject)
    assert step.seconds_left == pytest.approx(3 * kept.seconds)


def test_time_left_of_gains_holds_their_curves_too(subjects, monkeypatch):
    monkeypatch.setattr("pda_studio.experiments.gains._seconds_of", lambda *_: 1000.0)
    options = {"block": 7, "fill": "grey", "sigma": 1.0, "steps": 2}
    methods = [method_named("saliency")(), method_named("input-x-gradient")()]
    steps = [step for step, _ in gains_over_images(subjects, methods, options)]
    told = [step.seconds_left for step in steps if step.seconds_left is not None]
    assert told[0] > 4000  # two images by two methods
    assert told[-1] == 0


def test_what_cannot_be_studied_is_refused(subjects, classifier):
    with pytest.raises(UsageError, match="at least one method"):
        MapWork([], 1)
    with pytest.raises(UsageError, match="makes an image of its own"):
        MapWork([method_named("activation-maximisation")()], 1)
    with pytest.raises(UsageError, match="at least two"):
        finished(disagreement_over_images(subjects, [method_named("saliency")()]))
    study = study_named("disagreement").of_values({})
    with pytest.raises(UsageError, match="an image, or a folder"):
        study.subjects(Inputs([]), classifier)


# Where methods disagree


def test_correlations_of_equal_and_of_independent_maps():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 40, 50))
    flat = np.full((40, 50), 0.5)
    for measure in ("spearman", "pearson"):
        found = correlations([one, one.copy(), other, flat], measure)
        assert found[0, 1] == pytest.approx(1)
        assert abs(found[0, 2]) < 4 / np.sqrt(one.size)
        assert np.isnan(found[3]).all()
    assert correlations([one, np.exp(one)], "spearman")[0, 1] == pytest.approx(1)


def test_like_methods_are_one_group():
    matrix = np.array([[1, 0.1, 0.9], [0.1, 1, 0.2], [0.9, 0.2, 1]])
    found = Disagreement(["a", "b", "c"], (matrix, matrix))
    assert sorted(map(sorted, found.groups(0.5))) == [["a", "c"], ["b"]]
    assert len(found.groups(0.95)) == 3
    assert len(found.groups(0.1)) == 1
    assert found.order.index(0) in (found.order.index(2) - 1, found.order.index(2) + 1)
    assert found.pairs()[0] == ("a", "c", [0.9, 0.9])
    assert mean_with_interval([0.9, float("nan"), 0.9]) == (0.9, 0.9, 0.9)
    assert mean_with_interval([0.9, 0.1])[1:] == (-1, 1)
    assert mean_with_interval([0.5]) == (0.5, None, None)


def test_disagreement_over_a_folder_and_one_image(tmp_path, capsys, folder, image):
    words = ["disagreement", "--method", "saliency", "grad-cam", "input-x-gradient"]
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    out = studied(capsys, *words, "--folder", folder, "--csv", table, "--figure", figure)
    assert "Over 2 images" in out
    assert "spread in" in figure.read_text()
    rows = rows_of(table)
    assert len(rows) == 3
    assert [float(row["correlation"]) for row in rows] == sorted(
        (float(row["correlation"]) for row in rows), reverse=True
    )
    assert all(float(row["low"]) <= float(row["correlation"]) <= float(row["high"]) for row in rows)
    out = studied(capsys, words[0], image, *words[1:], "--csv", table)
    assert "Over 1 image" in out
    assert all(row["low"] == "" for row in rows_of(table))


def test_parameters_of_methods_are_set_on_the_line(tmp_path, capsys, folder):
    table = tmp_path / "a.csv"
    words = ["disagreement", "--folder", folder, "--csv", table, "--method"]
    words += ["occlusion:window=8,stride=4", "occlusion:window=6,stride=3"]
    studied(capsys, *words)
    (row,) = rows_of(table)
    names = {row["first"], row["other"]}
    assert names == {"Occlusion (window 8, stride 4)", "Occlusion (window 6, stride 3)"}
    assert 0.3 < float(row["correlation"]) < 1

"""Panels of the papers: a preset's rows and columns, known truths, one table for one command."""

import csv
import io

import numpy as np
import pytest

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.panels import Making, Panel, PanelMap, panel_steps
from pda_studio.experiments.presets import PRESETS
from pda_studio.methods import METHODS, method_named
from pda_studio.results import Subject

MAKING = Making(window=6, stride=6, samples=2)


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("digits")


@pytest.fixture(scope="module")
def subject(classifier):
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, 9:12] = 255
    return Subject.of(pixels, classifier)


def made(name, classifiers, subject):
    images = [[SubjectInput("bar", lambda: subject)] for _ in classifiers]
    return list(panel_steps(PRESETS[name], classifiers, images, MAKING))


def of_values(evidence, subject):
    return subject.map_of(method_named("saliency")(), np.asarray(evidence), "logit", 0.0)


def test_every_preset_names_methods_that_there_are():
    for one in PRESETS.values():
        assert all(setting.method in METHODS for setting in one.settings)
        assert one.figure.endswith(tuple("123456789"))
        assert (one.across == "settings") == (len(one.settings) > 1)


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("marginal-conditional", ["bar"], ["Marginal", "Conditional"]),
        ("layers", ["relu1", "relu2"], ["Strongest map", "Second map", "Third map"]),
        ("before-after-softmax", 3, ["Before the softmax", "After the softmax"]),
        (
            "original-to-simplified",
            ["bar"],
            ["Original PDA", "Efficient PDA", "Sampled PDA", "Simplified PDA"],
        ),
    ],
)
def test_a_preset_is_a_whole_panel(classifier, subject, name, rows, columns):
    steps = made(name, [classifier], subject)
    step, panel = steps[-1]
    assert list(panel.columns) == columns
    assert list(panel.rows) == rows or len(panel.rows) == rows
    assert len(panel.maps) == len(panel.rows) * len(panel.columns)
    assert step.done == step.total
    assert step.seconds_left == 0
    panel.grid("panel").check()


def test_classes_cost_one_map_and_their_targets_are_the_likeliest(classifier, subject, monkeypatch):
    kind, calls = METHODS["original-pda"], []
    real = kind.steps

    def steps(self, subject):
        calls.append(subject.target)
        yield from real(self, subject)

    monkeypatch.setattr(kind, "steps", steps)
    _, panel = made("before-after-softmax", [classifier], subject)[-1]
    finished = [target for target in calls if target == subject.target]
    assert calls == finished, "the other classes are read from the same scores"
    likeliest = np.argsort(-subject.predictions, kind="stable")[:3]
    assert panel.rows == tuple(classifier.class_names[index] for index in likeliest)
    units = {panel.columns[one.column]: one.made.unit for one in panel.maps}
    assert units == {"Before the softmax": "logit", "After the softmax": "bits"}


@pytest.mark.parametrize(("name", "computed"), [("layers", 6), ("feature-maps", 3)])
def test_the_time_of_every_feature_map_is_told(classifier, subject, monkeypatch, name, computed):
    kind, calls = METHODS["original-pda"], []
    real = kind.steps

    def steps(self, subject):
        yield from real(self, subject)
        calls.append(subject.target)  # once it was carried to its end

    monkeypatch.setattr(kind, "steps", steps)
    known = iter(made(name, [classifier], subject))
    told = next(step for step, _ in known if step.seconds_left is not None)
    assert told.seconds_left > 0
    before_last = [step for step, panel in known if len(panel.maps) == computed - 1]
    assert before_last[0].seconds_left > 0, "the last one is computed as well"
    assert len(set(calls)) == computed


def test_the_same_network_twice_gives_the_same_maps(classifier, subject):
    _, panel = made("architectures", [classifier, classifier], subject)[-1]
    first, second = panel.maps
    assert np.array_equal(first.made.evidence, second.made.evidence)
    assert panel.to_first(first) is None
    assert panel.to_first(second) == pytest.approx(1)
    with pytest.raises(UsageError, match="at least two classifiers"):
        made("architectures", [classifier], subject)


def test_how_far_evidence_is_spread(subject):
    method = method_named("saliency")()
    one = np.zeros((28, 28))
    one[3, 4] = -5
    assert PanelMap(0, 0, of_values(one, subject), method).half == pytest.approx(1 / 784)
    even = PanelMap(0, 1, of_values(np.ones((28, 28)), subject), method)
    assert even.half == pytest.approx(0.5, abs=0.01)
    panel = Panel(("a",), ("b", "c"), (PanelMap(0, 0, of_values(one, subject), method), even))
    assert np.isnan(panel.to_first(even))
    assert np.isnan(PanelMap(0, 0, of_values(np.zeros((28, 28)), subject), method).half)


def test_the_verb(tmp_path, capsys, image):
    words = ["study", "panel", str(image), "--preset", "original-efficient", "--stride", "3"]
    words += ["--samples", "2"]
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    assert main([*words, "--csv", str(table), "--figure", str(figure)]) == 0
    assert "Efficient PDA" in figure.read_text()
    out, err = capsys.readouterr()
    assert err == ""
    assert "Half of the evidence lies in" in out
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["column"] for row in rows] == ["Original PDA", "Efficient PDA"]
    assert 0.5 < float(rows[1]["to_first"]) <= 1


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--preset", "magic"], 2, "one of marginal-conditional"),
        (["--preset", "architectures"], 2, "at least two classifiers"),
        (["--classifier", "digits", "--weights", "a", "b"], 2, "2 files for 1 classifiers"),
        (["--window", "4", "--stride", "9"], 2, "leaves gaps"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_line(capsys, image, words, status, message):
    assert main(["study", "panel", str(image), *words]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err

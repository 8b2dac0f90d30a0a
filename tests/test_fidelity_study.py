"""The study of fidelity: rankings of known truth, all metrics over a folder."""

import csv

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.experiments.fidelity import AT_RANDOM, fidelity_over_images
from pda_studio.experiments.map_work import SubjectInput
from pda_studio.experiments.ranking import ranked
from pda_studio.methods import method_named
from pda_studio.metrics.fidelity_metrics import FIDELITY_METRICS, MetricSettings
from pda_studio.results import Subject
from pda_studio.studies import study_named

METHODS = ["saliency", "occlusion:window=7,stride=7,forward=full,precision=float32"]


@pytest.fixture
def folder(tmp_path):
    """A 1, a 7, a circle and a bar, in which `digits` sees four classes."""
    rows, columns = np.indices((28, 28))
    ring = np.abs(np.hypot(rows - 14, (columns - 14) * 1.3) - 8.5) < 1.6
    one = (np.abs(columns - 14) < 2) & (rows > 3) & (rows < 24)
    seven = ((np.abs(rows - 6) < 2) & (columns > 6) & (columns < 21)) | (
        (np.abs(columns - 20 + (rows - 6) * 0.5) < 1.8) & (rows > 5) & (rows < 24)
    )
    four = one.copy() | ((np.abs(rows - 15) < 2) & (columns > 5) & (columns < 22))
    four |= (np.abs(columns - 7) < 2) & (rows > 3) & (rows < 16)
    made = tmp_path / "images"
    made.mkdir()
    for name, drawn in {"0": ring, "1": one, "4": four, "7": seven}.items():
        Image.fromarray((drawn * 255).astype(np.uint8)).save(made / f"{name}.png")
    return made


def studied(capsys, *words):
    capsys.readouterr()
    assert main(["study", "fidelity", *map(str, words)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return " ".join(out.split())


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_all_metrics_over_a_folder(tmp_path, capsys, folder):
    table, figure = tmp_path / "a.csv", tmp_path / "a.svg"
    words = [folder, "--metric", "all", "--order", "blocks", "--parts", "49", "--sigma", "3"]
    words += ["--samples", "1", "--curve-steps", "7", "--method", *METHODS]
    out = studied(capsys, *words, "--csv", table, "--figure", figure)
    assert "Of 9 metrics over 4 images, best or not told from the best: " in out
    assert "fewer than 6 cases tell no difference" in out
    assert "lower is better: deletion, max-sensitivity, road;" in out
    rows = rows_of(table)
    for name, metric in FIDELITY_METRICS.items():
        own = [row for row in rows if row["metric"] == name]
        assert [row["rank"] for row in own] == ["1", "2", "3"][: len(own)]
        assert (AT_RANDOM in {row["method"] for row in own}) == (metric.subjects == "image")
        values = [float(row["value"]) for row in own]
        assert values == sorted(values, reverse=metric.higher_is_better)
        grids = metric.subjects in ("grid", "disconnected")
        assert {row["cases"] for row in own} == {"1" if grids else "4"}
    assert figure.read_text().startswith("<?xml")


def test_another_seed_gives_the_same_best(tmp_path, capsys, folder, monkeypatch):
    words = [folder, "--fill", "histogram", "--parts", "30", "--curve-steps", "10"]
    words += ["--method", *METHODS]
    tables, best = [], []
    for name, seed in (("one", 0), ("other", 1)):
        monkeypatch.setenv("PDA_STUDIO_CACHE", str(tmp_path / name))  # nothing is found there
        path = tmp_path / f"{name}.csv"
        studied(capsys, *words, "--seed", seed, "--csv", path)
        tables.append(path.read_bytes())
        best.append(rows_of(path)[0]["method"])
    assert tables[0] != tables[1]
    assert best[0] == best[1]


def test_a_method_that_optimises_a_metric_is_marked(tmp_path, capsys, folder):
    table = tmp_path / "a.csv"
    words = [folder, "--images", "2", "--parts", "25", "--order", "blocks", "--curve-steps", "5"]
    words += ["--method", "saliency", "consensus:rounds=1,across=4", "--csv", table]
    studied(capsys, *words)
    marked = {row["method"]: row["optimises"] for row in rows_of(table)}
    assert marked == {"Saliency": "", "Consensus": "yes", AT_RANDOM: ""}
    single = FIDELITY_METRICS["single-deletion"]
    out = studied(capsys, *words, "--metric", "single-deletion")
    assert f"single-deletion: {single.summary} (higher is better); {single.citation}" in out
    assert {row["optimises"] for row in rows_of(table)} == {""}


def test_it_says_how_long_it_takes_before_the_first_map_and_resumes(folder):
    classifier = load_classifier("digits", device="cpu")

    def load(name):
        with Image.open(folder / f"{name}.png") as file:
            return Subject.of(np.array(file.convert("RGB")), classifier)

    subjects = [SubjectInput(name, lambda name=name: load(name)) for name in "0147"]
    methods = [method_named("saliency")()]
    metrics = [FIDELITY_METRICS["deletion"], FIDELITY_METRICS["grid-pg"]]
    settings = MetricSettings(parts=16, order="blocks", steps=4)
    work = (classifier, subjects, methods, metrics, settings)
    steps = list(fidelity_over_images(*work))
    before = [step for step, _ in steps if step.done == 0 and step.seconds_left is not None]
    assert before[0].seconds_left > 0
    assert steps[-1][0].seconds_left == 0
    assert steps[-1][0].done == steps[-1][0].total == 800
    done = [step.done for step, _ in steps]
    assert done == sorted(done)
    assert len(list(fidelity_over_images(*work))) <= len(steps), "finished maps are found"
    for one in subjects[:3], subjects[:1] * 4:
        with pytest.raises(UsageError, match="GridPG: needs 4 images of different classes"):
            list(fidelity_over_images(classifier, one, methods, metrics[1:], settings))


def test_a_method_without_a_map_of_a_grid_is_left_out_with_the_reason(tmp_path, capsys, folder):
    table = tmp_path / "a.csv"
    words = [folder, "--metric", "difull", "--method", "saliency", "lrp-composite"]
    out = studied(capsys, *words, "--csv", table)
    assert "DiFull: LRP composite has no map: LRP composite needs a network whose first" in out
    first, last = rows_of(table)
    assert (first["method"], first["value"], first["cases"]) == ("Saliency", "1.0", "1")
    assert (last["method"], last["value"], last["cases"]) == ("LRP composite", "", "0")
    assert last["tied"] == ""


def test_effort_counts_maps():
    kind = study_named("fidelity")
    values = {one.name: one.default for one in kind.parameters()}
    efforts = {
        metric: kind.model_construct(**{**values, "metric": metric}).effort()
        for metric in ("relevance-gain", "max-sensitivity", "difull", "all")
    }
    assert efforts["relevance-gain"].startswith("A map of each method for each of up to 20 images.")
    assert efforts["max-sensitivity"].startswith("6 maps of each method")
    assert efforts["difull"].endswith("some of them of 2×2 images.")
    assert efforts["all"].startswith("9 maps of each method")


def test_what_is_tied_is_written_in_spans(tmp_path, capsys, folder):
    table = tmp_path / "a.csv"
    words = [folder, "--metric", "single-deletion", "--order", "blocks", "--parts", "16"]
    methods = ["saliency", "input-x-gradient", "deconvnet", "grad-cam"]
    out = studied(capsys, *words, "--method", *methods, "--csv", table)
    assert "over 4 images" in out
    assert "too few to tell a difference" in out
    tied = {row["rank"]: row["tied"] for row in rows_of(table)}
    assert tied == {"1": "2–5", "2": "1, 3–5", "3": "1–2, 4–5", "4": "1–3, 5", "5": "1–4"}


# Rankings


def test_differences_by_chance_are_none_and_others_are_told():
    random = np.random.default_rng(0)
    images = random.normal(size=(20, 1))
    noise = 0.05 * random.normal(size=(20, 3))
    values = images + noise + np.array([0.5, 0.5, 0.0])
    found = ranked(values)
    assert {found[0].place, found[1].place} == {0, 1}
    assert found[0].tied == (found[1].place,)
    assert found[2].place == 2
    assert found[2].tied == ()
    assert found[1].p < 0.01 < 0.05 < found[0].p
    assert found[1].lead == pytest.approx(0.5, abs=0.05)
    assert found[1].lead_low > 0.4, "pairs take away what images have in common"
    assert found[1].low < found[1].mean < found[1].high
    assert found[1].high - found[1].low > 5 * (found[1].lead_high - found[1].lead_low)
    upside_down = ranked(values, higher_is_better=False)
    assert upside_down[0].place == 2
    assert upside_down[0].lead > 0
    assert [one.place for one in ranked(values, seed=1)] == [one.place for one in found]


def test_what_was_not_measured_comes_last():
    nothing = float("nan")
    found = ranked(np.array([[1, nothing, 2.0], [1, nothing, 2.5], [1, nothing, nothing]]))
    assert [one.place for one in found] == [2, 0, 1]
    assert [one.count for one in found] == [2, 3, 0]
    assert found[2].tied == ()
    assert np.isnan(found[2].mean)
    assert np.isnan(found[1].lead)
    one = ranked(np.array([[1.0, 2.0]]))
    assert np.isnan(one[0].low)
    assert one[0].tied == (0,)
    same = ranked(np.ones((8, 2)))
    assert same[0].tied == (1,)
    assert same[0].low == same[0].high == 1

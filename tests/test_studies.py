"""Studies: declared once, found by the command line, with table, figure and a sentence."""

import csv
import io
import json
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.methods import METHODS
from pda_studio.parameters import parameter
from pda_studio.studies import (
    STUDIES,
    Column,
    Inputs,
    Study,
    StudyProgress,
    StudyResult,
    Table,
    study_named,
)


@pytest.fixture
def folder(tmp_path):
    """Three bars, as digits may look."""
    made = tmp_path / "images"
    made.mkdir()
    for place in (9, 13, 17):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, place : place + 3] = 255
        Image.fromarray(pixels).save(made / f"{place}.png")
    return made


def run(capsys, *words):
    capsys.readouterr()
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_declarations_load_nothing_heavy():
    script = """if True:
        import sys
        import pda_studio.studies
        heavy = {"torch", "torchvision", "matplotlib", "cv2", "scipy", "numpy", "PySide6"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        assert set(pda_studio.studies.STUDIES) >= {"relevance-gain", "patches", "speed"}
        """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_study_is_in_the_help(capsys):
    listed = run(capsys, "study", "--help")
    for name, kind in STUDIES.items():
        assert f" {name} " in listed
        text = run(capsys, "study", name, "--help")
        assert max(map(len, text.splitlines())) <= 80
        told = " ".join(text.replace("│", "").split())
        assert kind.summary in told
        assert kind.citation in told
        for known in kind.parameters():
            shown = known.name.upper() if known.required else f"--{known.name.replace('_', '-')}"
            assert f"{shown} " in told
            assert known.help in told
        for option in ("--csv", "--figure", "--json"):
            assert option in told


def test_relevance_gain_compares_methods(tmp_path, capsys, folder):
    words = ["study", "relevance-gain", folder, "--images", "3", "--block", "4"]
    words += ["--method", "grad-cam", "saliency"]
    figure, table = tmp_path / "gain.svg", tmp_path / "gain.csv"
    out = run(capsys, *words, "--figure", figure, "--csv", table)
    lines = out.splitlines()
    assert lines[-2:] == [f"Wrote {table}", f"Wrote {figure}"]
    assert "over 3 images" in " ".join(out.split())
    assert figure.read_text().startswith("<?xml")
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["method"] for row in rows] == [METHODS[m].title for m in ("grad-cam", "saliency")]
    for row in rows:
        assert float(row["low"]) <= float(row["gain"]) <= float(row["high"])
        gain = float(row["insertion"]) - float(row["deletion"])
        assert float(row["gain"]) == pytest.approx(gain)
    told = json.loads(run(capsys, *words, "--json"))
    assert told["study"] == "relevance-gain"
    assert told["parameters"]["block"] == 4
    assert told["sentence"]
    by_method = {row["method"]: row["gain"] for row in told["rows"]}
    assert by_method == {row["method"]: float(row["gain"]) for row in rows}
    best = max(by_method, key=by_method.get)
    assert told["sentence"].startswith(f"{best} orders the blocks best")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["relevance-gain"], 2, "needs FOLDER"),
        (["relevance-gain", "none"], 1, "no folder of images"),
        (["relevance-gain", ".", "--block", "0"], 2, "--block must be a whole number from 1"),
        (["relevance-gain", ".", "--fill", "red"], 2, "one of blur, grey"),
        (["relevance-gain", ".", "--method", "magic"], 2, "no method “magic”"),
        (["relevance-gain", ".", "--method", "rise:masks"], 2, "sets nothing"),
        (["relevance-gain", ".", "--method", "grad-cam:window=4"], 2, "no parameter “window”"),
        (
            ["relevance-gain", ".", "--method", "occlusion:window=big"],
            2,
            "a whole number, not “big”",
        ),
        (["disagreement", "--method", "saliency", "grad-cam"], 2, "an image, or a folder"),
        (["relevance-gain", ".", "--csv", "x.txt"], 2, ".csv"),
        (["bias-shares", "digit.png", "--figure", "x.gif"], 2, ".png, .pdf, .svg or .tif"),
        (["bias-shares", "digit.png", "--figure", "digit.png"], 2, "would replace"),
        (["magic"], 2, "magic"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path, capsys, image, monkeypatch, words, status, message
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["study", *words]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


def test_methods_that_make_images_are_refused(capsys, folder):
    words = ["study", "relevance-gain", str(folder), "--method", "activation-maximisation"]
    assert main(words) == 2
    assert "makes an image of its own" in capsys.readouterr().err


def test_a_table_keeps_its_numbers():
    columns = [Column("name", "name"), Column("share", "share", "share")]
    table = Table(columns, [("a, b", 0.123456), ("c", float("nan")), ("d", None)])
    assert table.csv() == 'name,share\n"a, b",0.123456\nc,\nd,\n'
    assert table.records() == [
        {"name": "a, b", "share": 0.123456},
        {"name": "c", "share": None},
        {"name": "d", "share": None},
    ]
    assert [columns[1].text(row[1]) for row in table.rows] == ["12.3 %", "–", "–"]


@pytest.fixture
def new_study():
    class Brightness(Study):
        """How bright the image is."""

        name: ClassVar[str] = "brightness"
        title: ClassVar[str] = "Brightness"
        summary: ClassVar[str] = "How bright the image is."
        needs: ClassVar[frozenset] = frozenset({"subject"})

        gain: float = parameter(2.0, "Gain", "How much light counts.", ge=0.5, le=8)

        def steps(self, inputs: Inputs):
            light = self.gain * float(inputs.subject().view.mean())
            result = StudyResult(
                f"The image is {light:.0f} bright.",
                Table([Column("light", "light", "number")], [(light,)]),
                Figure,
            )
            yield StudyProgress(1, 1, "light", result)

    yield Brightness
    del STUDIES["brightness"]


def test_a_new_study_appears_by_being_declared(tmp_path, capsys, image, new_study):
    assert study_named("brightness") is new_study
    assert "How bright the image is." in run(capsys, "study", "--help")
    assert "How much light counts." in run(capsys, "study", "brightness", "--help")
    figure = tmp_path / "light.png"
    out = run(capsys, "study", "brightness", image, "--gain", "4", "--figure", figure)
    assert "bright." in out
    assert figure.exists()
    assert main(["study", "brightness", str(image), "--gain", "9"]) == 2
    assert "--gain must be a number from 0.5 to 8, not “9”" in capsys.readouterr().err


def test_a_study_that_is_unknown_is_refused():
    with pytest.raises(UsageError, match="no study “magic”"):
        study_named("magic")

"""Reports: one file that needs no other, whose commands give the same tables again."""

import base64
import csv
import hashlib
import html
import re
import shlex

import pytest
from matplotlib.figure import Figure

from pda_studio.cli import main
from pda_studio.errors import UsageError
from pda_studio.methods import COMBINING, METHODS, method_named
from pda_studio.report import (
    Origin,
    Report,
    StudyPart,
    entries,
    explain_command,
    report_bytes,
    study_command,
)
from pda_studio.studies import STUDIES, Column, StudyResult, Table, study_named
from pda_studio.targets import ClassTarget, ContrastTarget, UnitTarget


def test_every_declared_citation_is_an_entry():
    for kind in (*METHODS.values(), *COMBINING.values(), *STUDIES.values()):
        cited = [part for part in kind.citation.split(";") if part.strip()]
        found = entries(kind.citation)
        assert len(found) == len(cited), kind.name
        for one in found:
            assert one.title, kind.name
            assert one.authors[0] in kind.citation
            assert one.bibtex.count("{") == one.bibtex.count("}")
            assert re.fullmatch(r"[a-z0-9]+", one.key)


def test_a_citation_in_bibtex():
    text = (
        "the combinations by Anders, Neumann & Lapuschkin, Software & data, JMLR 22, 2021, Fig. 4"
    )
    (one,) = entries(text)
    assert one.bibtex == (
        "@misc{anders2021software,\n"
        "  author = {Anders and Neumann and Lapuschkin},\n"
        "  title = {{Software \\& data}},\n"
        "  howpublished = {JMLR 22},\n"
        "  year = {2021}\n"
        "}"
    )
    assert one.text == "Anders, Neumann & Lapuschkin. Software & data. JMLR 22 2021."
    assert entries("Nie et al., Perplexing behaviors, ICML 2018")[0].authors == ("Nie", "others")
    assert entries("") == []


@pytest.fixture
def made(tmp_path, image, capsys):
    study = f"bias-shares {image}"
    words = ["report", "--output", str(tmp_path / "r.html"), "--title", "A <report>"]
    words += ["--study", study, "--map", f"{image} --method grad-cam"]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    return (tmp_path / "r.html").read_text()


def test_a_report_needs_no_other_file(made, image):
    assert "<title>A &lt;report&gt;</title>" in made
    assert made.count('<img src="data:image/png;base64,') == 2
    assert not re.search(r'(?:src|href)="(?!data:)', made)
    assert hashlib.sha256(image.read_bytes()).hexdigest() in made
    assert "@misc{selvaraju2017grad," in made
    assert "Seen from the input, the bias is" in made
    assert "The map was computed with PDA Studio" in made


def test_its_command_gives_the_same_table_to_the_last_digit(made, tmp_path, monkeypatch):
    commands = [shlex.split(html.unescape(one)) for one in re.findall(r"<pre>(pda-.*)</pre>", made)]
    assert [words[:2] for words in commands] == [["pda-studio", "explain"], ["pda-studio", "study"]]
    held = base64.b64decode(re.search(r"data:text/csv;base64,([^\"]+)", made)[1])
    assert hashlib.sha256(held).hexdigest() in made
    monkeypatch.chdir(tmp_path)
    for words in commands:
        assert main(words[1:]) == 0
    assert (tmp_path / "bias-shares.csv").read_bytes() == held
    assert (tmp_path / "map.npz").exists()


def test_as_pdf_it_holds_the_same_on_pages():
    columns = [Column("name", "name"), Column("value", "a long heading", "number")]
    rows = [(f"row {at} " + "of a long name " * 12, at / 7) for at in range(150)]
    study = study_named("disagreement").of_values({})
    result = StudyResult("ρ is −0.5 <here>.", Table(columns, rows), lambda: Figure((9, 3)))
    part = StudyPart(study, result, ["study", "disagreement", "a" * 300])
    made = [report_bytes(Report("A <report>", [part, part]), ".PDF") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")
    assert made[0].count(b"/Type /Page\n") + made[0].count(b"/Type /Page ") > 6
    with pytest.raises(UsageError, match=r"\.html or \.pdf"):
        report_bytes(Report("a", [part]), ".txt")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a --study or a --map"),
        (["--study", "sweep a.png --csv b.csv"], "writes --csv itself"),
        (["--map", "'a.png"], "quotation mark"),
        (["--study", "magic"], "magic"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_line(tmp_path, capsys, words, message):
    assert main(["report", "--output", str(tmp_path / "r.html"), *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


def test_commands_name_every_value_that_was_set(tmp_path, image, monkeypatch, capsys):
    pda = method_named("efficient-pda")(window=4, outer=8, stride=4, precision="float32")
    saliency = method_named("saliency")()
    origin = Origin(image, (("digits", None),), ClassTarget(3), (pda, saliency))
    study = study_named("disagreement").of_values({"measure": "pearson"})
    words = study_command(study, origin)
    assert words[:5] == ["study", "disagreement", str(image), "--measure", "pearson"]
    assert words[-4:] == ["--target", "index:3", "--csv", "disagreement.csv"]
    assert words[words.index("--method") + 2] == "saliency"
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert main(explain_command(pda, origin)) == 0
    assert "Efficient PDA" in capsys.readouterr().out
    with (tmp_path / "disagreement.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1
    unit = Origin(None, (("a", "b"), ("c", None)), UnitTarget("relu1", 4, 1, 2))
    words = explain_command(saliency, unit)
    assert words[1] == "IMAGE"
    last = "--classifier a c --weights b default --layer relu1 --unit 4,1,2"
    assert shlex.join(words).endswith(last)
    words = explain_command(saliency, Origin(None, (("a", None),), ContrastTarget(1, 2)))
    assert words[-4:] == ["--target", "index:1", "--against", "index:2"]

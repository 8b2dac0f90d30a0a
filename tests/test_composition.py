"""Composed figures: what stands where, how wide, under which names, and what their files tell."""

import json
import re
import subprocess
from dataclasses import replace
from itertools import combinations, product
from shutil import which

import numpy as np
import pytest
from PIL import Image
from test_maps import make_map

from pda_studio.cli import main
from pda_studio.document.figure import composition_of, grid_of
from pda_studio.document.operations import Flip, Rotate
from pda_studio.document.saved import load_state, save_state
from pda_studio.document.state import KeptMap, State
from pda_studio.document.workspace import (
    ClassifierChoice,
    Column,
    Row,
    SourceImage,
    Workspace,
)
from pda_studio.errors import UsageError
from pda_studio.figures import Composition, draw_composition, save_composition
from pda_studio.figures.composition import (
    BACKGROUNDS,
    COLOUR_BARS,
    INPUT,
    LETTERED,
    TILES,
    fonts,
)
from pda_studio.figures.tables import letter
from pda_studio.methods import method_named
from pda_studio.rendering import STYLES, Appearance, heat_map, overlay
from pda_studio.targets import ClassTarget

CLASSIFIER = "digits"


def state_of(rows=((),), styles=("map", "overlay"), **changes):
    """Workspace on a 28×28 image with a different map in each panel."""
    image = np.random.default_rng(1).integers(0, 256, (28, 28, 3), np.uint8)
    image = SourceImage.of("one.png", image)
    methods = ("efficient-pda", "occlusion", "grad-cam", "saliency")
    columns = []
    for key, style in enumerate(styles):
        columns.append(Column(key, method_named(methods[key]).create(), style, suited=True))
    kept = []
    work_rows = tuple(Row(key, operations) for key, operations in enumerate(rows))
    for row in work_rows:
        for column in columns:
            random = np.random.default_rng(10 * row.key + column.key)
            one = make_map(
                evidence=random.normal(size=(28, 28)).astype(np.float32),
                method=column.method.name,
                title=column.method.title,
                parameters=column.method.model_dump(mode="json"),
                view=np.full((28, 28, 3), 40 * row.key, np.uint8),
                **changes,
            )
            kept.append(KeptMap(row.key, column.key, one.fingerprint, ClassTarget(3), one))
    work = Workspace(image, ClassifierChoice(CLASSIFIER), None, work_rows, tuple(columns))
    return State(work, tuple(kept))


def grid(*args, **kwargs):
    return grid_of(state_of(*args, **kwargs))


THREE = ((), (Rotate(90),), (Flip("horizontal"),))


def words(figure):
    return [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in figure.texts]


def tiles(figure):
    """The images and maps, row by row; colour bars are lower than they are wide."""
    found = [axes for axes in figure.axes if axes.images[0].get_array().shape[0] > 1]
    found.sort(key=lambda axes: (-round(axes.get_position().y0, 3), axes.get_position().x0))
    return found


def bars(figure):
    return [axes for axes in figure.axes if axes.images[0].get_array().shape[0] == 1]


def test_rows_and_columns_stand_as_in_the_work():
    state = state_of(THREE)
    figure = draw_composition(grid_of(state), Composition())
    shown = [axes.images[0].get_array() for axes in tiles(figure)]
    assert len(shown) == 3 * 3
    maps = {(kept.row, kept.column): kept.evidence_map for kept in state.maps}
    prediction = Appearance()
    for row in range(3):
        heat, laid_over = maps[row, 0], maps[row, 1]
        np.testing.assert_array_equal(shown[3 * row], heat.view)
        np.testing.assert_array_equal(shown[3 * row + 1], heat_map(heat, prediction, heat.limit))
        expected = overlay(laid_over, prediction, laid_over.limit)
        np.testing.assert_array_equal(shown[3 * row + 2], expected)
    said = words(figure)
    for text in ("three", "Input", "Efficient PDA", "Occlusion", "Original"):
        assert text in said
    assert "Rotated 90° clockwise" in " ".join(said)


def test_what_is_left_out_is_not_drawn_and_names_can_be_changed():
    composition = Composition(
        hidden_rows=(1, 99),
        hidden_columns=(0,),
        show_input=False,
        tiles="both",
        titles={1: "My $method$"},
        labels={2: "Mirrored"},
    )
    figure = draw_composition(grid(THREE), composition)
    assert len(tiles(figure)) == 2 * 2
    said = words(figure)
    assert "My $method$" in said
    assert "Mirrored" in said
    assert not any("Input" in text or "Rotated" in text for text in said)
    bare = composition.replace(
        show_titles=False, show_labels=False, show_headline=False, show_numbers=False,
        show_caption=False, colour_bar="none",
    )  # fmt: skip
    figure = draw_composition(grid(THREE), bare)
    assert not [text for text in words(figure) if text]
    assert bars(figure) == []


def test_rows_that_are_turned_back_are_turned_back():
    state = state_of(THREE)
    rows = tuple(replace(row, turned_back=row.key == 1) for row in state.work.rows)
    turned = State(replace(state.work, rows=rows), state.maps)
    shown = grid_of(turned).rows[1].maps[0].evidence
    original = state.maps[2].evidence_map.evidence
    # Clockwise by a quarter was the turn: counter-clockwise by a quarter is back.
    np.testing.assert_allclose(shown, np.rot90(original), atol=1e-5)
    assert grid_of(state).rows[1].maps[0] is state.maps[2].evidence_map


def test_agreement_is_told_below_the_maps_of_variants():
    state = state_of(THREE, ("map",))
    first, second, third = (kept.evidence_map for kept in state.maps)
    same = second.replace(evidence=np.rot90(first.evidence, -1).copy())
    other = third.replace(evidence=-first.evidence[:, ::-1].copy())
    kept = (
        state.maps[0],
        replace(state.maps[1], evidence_map=same),
        replace(state.maps[2], evidence_map=other),
    )
    figure = draw_composition(grid_of(State(state.work, kept)), Composition())
    said = words(figure)
    assert "r 1.00 · top 5 %: 100 %" in said
    assert "r −1.00 · top 5 %: 100 %" in said
    quiet = words(
        draw_composition(grid_of(State(state.work, kept)), Composition(show_numbers=False))
    )
    assert not any("top 5" in text or "P " in text or "75" in text for text in quiet)


@pytest.mark.parametrize("width", [85.0, 120.0, 178.0])
@pytest.mark.parametrize("dpi", [150, 300, 601])
def test_the_width_is_what_was_asked_for(tmp_path, width, dpi):
    save_composition(grid(), Composition(width=width, dpi=dpi), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == round(width / 25.4 * dpi)
        assert image.info["dpi"][0] == pytest.approx(dpi, abs=0.1)


WIDTHS = 85.0, 178.0
SETTINGS = [
    (WIDTHS[(i + j // 2) % 2], letters, COLOUR_BARS[(i + j) % len(COLOUR_BARS)], tiles)
    for i, letters in enumerate(LETTERED)
    for j, tiles in enumerate(TILES)
]
"""Every two settings together; all of them at once are drawn at random in another test."""


def test_every_two_settings_are_together():
    for one, other in combinations((WIDTHS, LETTERED, COLOUR_BARS, TILES), 2):
        places = [(WIDTHS, LETTERED, COLOUR_BARS, TILES).index(axis) for axis in (one, other)]
        found = {tuple(setting[place] for place in places) for setting in SETTINGS}
        assert found == set(product(one, other))


@pytest.mark.parametrize(("width", "letters", "colour_bar", "shown"), SETTINGS)
def test_nothing_is_cut_off_and_no_tiles_overlap(width, letters, colour_bar, shown):
    composition = Composition(
        width=width, letters=letters, colour_bar=colour_bar, tiles=shown,
        titles={0: "A title that is much too long for its column"},
        labels={1: "A label that is much too long for its row, and goes on"},
    )  # fmt: skip
    state = state_of(THREE, ("map", "both", "overlay"))
    units = "bits", "probability", "|logit| per pixel value"
    kept = tuple(
        replace(
            one,
            evidence_map=one.evidence_map.replace(
                unit=units[one.column], evidence=one.evidence_map.evidence / 50
            ),
        )
        for one in state.maps
    )
    figure = draw_composition(grid_of(State(state.work, kept)), composition)
    renderer = figure._get_renderer()
    across, high = figure.bbox.size
    boxes = [text.get_window_extent(renderer) for text in figure.texts if text.get_text()]
    boxes += [axes.get_window_extent() for axes in figure.axes]
    for box in boxes:
        assert -1 <= box.x0 <= box.x1 <= across + 1
        assert -1 <= box.y0 <= box.y1 <= high + 1
    drawn = [axes.get_window_extent() for axes in figure.axes]
    for i, one in enumerate(drawn):
        assert not any(one.overlaps(other) for other in drawn[i + 1 :])
    numbers = [
        label.get_window_extent(renderer)
        for axes in bars(figure)
        for label in axes.get_xticklabels()
    ]
    for i, one in enumerate(numbers):
        assert not any(one.overlaps(other) for other in numbers[i + 1 :])
    if letters != "panels":  # whose letters stand on tiles
        for text in (text for text in figure.texts if text.get_text()):
            box = text.get_window_extent(renderer).shrunk(0.9, 0.6)
            assert not any(box.overlaps(tile) for tile in drawn), text.get_text()


def test_tiles_have_sharp_edges_and_pixels_of_one_size(tmp_path):
    figure = draw_composition(grid(), Composition())
    for axes in figure.axes:
        box = axes.get_window_extent()
        for edge in (box.x0, box.x1, box.y0, box.y1):
            assert edge == pytest.approx(round(edge), abs=1e-6)
    assert {round(axes.get_window_extent().width) % 28 for axes in tiles(figure)} == {0}


def test_a_shared_colour_bar_means_a_shared_scale():
    state = state_of()
    maps = [kept.evidence_map for kept in state.maps]
    figure = draw_composition(grid_of(state), Composition(colour_bar="shared"))
    (bar,) = bars(figure)
    largest = max(one.limit for one in maps)
    np.testing.assert_allclose(bar.images[0].get_extent()[:2], [-largest, largest])
    heat = tiles(figure)[1].images[0].get_array()
    np.testing.assert_array_equal(heat, heat_map(maps[0], Appearance(), largest))
    ends = [bar.images[0].get_extent()[1] for bar in bars(draw_composition(grid(), Composition()))]
    assert ends == [one.limit for one in maps]
    other = replace(state.maps[1], evidence_map=maps[1].replace(unit="logit"))
    mixed = grid_of(State(state.work, (state.maps[0], other)))
    assert len(bars(draw_composition(mixed, Composition(colour_bar="shared")))) == 2


@pytest.mark.parametrize(("letters", "first", "count"), [("panels", "(a)", 9), ("rows", "(a)", 3)])
def test_letters_count(letters, first, count):
    figure = draw_composition(grid(THREE), Composition(letters=letters))
    found = [text for text in words(figure) if re.fullmatch(r"\([a-z]+\)", text)]
    assert found[0] == first
    assert len(set(found)) == len(found) == count
    plain = Composition()
    assert [letter(at, plain) for at in (0, 25, 26, 27, 701, 702)] == [
        "(a)", "(z)", "(aa)", "(ab)", "(zz)", "(aaa)",
    ]  # fmt: skip
    assert letter(1, plain.replace(letter_style="A)")) == "B)"


def test_what_is_missing_is_said_in_one_sentence():
    state = state_of(THREE)
    gone = grid_of(State(state.work, state.maps[:-2]))
    with pytest.raises(UsageError, match=r"2 maps are not finished \(Efficient PDA of “Flipped"):
        draw_composition(gone, Composition())
    draw_composition(gone, Composition(hidden_rows=(2,)))
    with pytest.raises(UsageError, match="at least one row and one column"):
        draw_composition(gone, Composition(hidden_columns=(0, 1)))


def test_too_little_room_is_said():
    with pytest.raises(
        UsageError, match=r"3 × 9 images and their texts do not fit into 20 × 245 mm"
    ):
        draw_composition(grid(THREE, ("both",) * 4), Composition(width=20.0))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "tif"])
def test_files_are_the_same_each_time_and_tell_how_they_came_about(tmp_path, suffix):
    composition = Composition(width=85.0, letters="panels", titles={1: "Größe"})
    for name in ("a", "b"):
        save_composition(grid(), composition, tmp_path / f"{name}.{suffix}")
    path = tmp_path / f"a.{suffix}"
    data = path.read_bytes()
    assert data == (tmp_path / f"b.{suffix}").read_bytes()
    if suffix == "png":
        told = Image.open(path).info["Description"]
    elif suffix == "tif":
        told = Image.open(path).tag_v2[270]
    elif suffix == "svg":
        text = data.decode()
        told = re.search("<dc:description>(.*?)</dc:description>", text, re.S)[1]
        assert re.search(r"<text[^>]*>three</text>", text)
    else:
        found = re.search(rb"/Subject \((.*?[^\\])\)\s", data, re.S)[1]
        told = re.sub(rb"\\(.)", rb"\1", found).decode()
        assert b"/CIDFontType2" in data
        assert b"/Type3" not in data
    told = json.loads(told.replace("&quot;", '"'))
    assert Composition.from_json(told["composition"]) == composition
    assert [one["method"] for one in told["maps"]] == ["efficient-pda", "occlusion"]
    assert told["maps"][0]["classifier"] == "digits"


@pytest.mark.skipif(which("pdffonts") is None, reason="needs pdffonts")
@pytest.mark.parametrize("font", fonts())
def test_every_font_is_embedded_as_truetype(tmp_path, font):
    save_composition(grid(), Composition(font=font), tmp_path / "figure.pdf")
    listed = subprocess.run(
        ["pdffonts", str(tmp_path / "figure.pdf")], capture_output=True, text=True, check=True
    ).stdout.splitlines()[2:]
    assert listed
    assert any(font.replace(" ", "") in line for line in listed)
    for line in listed:
        assert re.search(r"TrueType .* yes yes (yes|no)", line), line


def test_a_font_that_is_not_installed_gives_the_usual_one(tmp_path):
    for name, font in (("a", "No Such Font"), ("b", "DejaVu Sans")):
        figure = draw_composition(grid(), Composition(font=font))
        figure.savefig(tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_backgrounds(tmp_path, background):
    save_composition(grid(), Composition(background=background), tmp_path / "figure.png")
    corner = Image.open(tmp_path / "figure.png").convert("RGBA").getpixel((0, 0))
    expected = {"white": (255, 255, 255, 255), "black": (0, 0, 0, 255)}
    assert corner == expected.get(background, corner)
    assert (corner[3] == 0) == (background == "transparent")


def test_bitmaps_average_what_they_cannot_show(tmp_path):
    side = 448
    stripes = np.zeros((side, side), np.float32)
    stripes[:, ::2] = 1
    state = state_of(styles=("map",))
    one = make_map(evidence=stripes, view=np.zeros((side, side, 3), np.uint8))
    fine = grid_of(State(state.work, (replace(state.maps[0], evidence_map=one),)))
    composition = Composition(width=40.0, show_caption=False, dpi=100)
    save_composition(fine, composition, tmp_path / "figure.png")
    figure = draw_composition(fine, composition)
    box = tiles(figure)[1].get_window_extent()
    pixels = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB")).astype(int)
    inside = pixels[-round(box.y1) + 3 : -round(box.y0) - 3, round(box.x0) + 3 : round(box.x1) - 3]
    assert np.ptp(inside[..., 1], axis=1).max() < 90, "stripes, not a mixture of them"


@pytest.mark.parametrize(
    "values",
    [
        {"width": 1}, {"width": "wide"}, {"width": float("nan")}, {"dpi": 5}, {"dpi": 300.5},
        {"dpi": True}, {"letters": "some"}, {"tiles": 3}, {"titles": [1]}, {"titles": {"a": "b"}},
        {"labels": {"1": 2}}, {"hidden_rows": 7}, {"hidden_rows": ["a"]}, {"show_input": 1},
        {"font": None}, {"font_size": 100}, {"caption": "x" * 20_000}, {"background": "fog"}, [],
    ],
)  # fmt: skip
def test_layouts_that_cannot_be_are_refused(values):
    with pytest.raises(UsageError) as caught:
        Composition.from_json(values)
    assert len(str(caught.value).splitlines()) == 1


def test_layouts_survive_json():
    composition = Composition(
        hidden_rows=(3,), titles={INPUT: "Bild", 2: "Zwei"}, labels={0: "oben"}, dpi=600, width=85
    )
    values = json.loads(json.dumps(composition.as_json()))
    assert Composition.from_json(values) == composition
    assert Composition.from_json({**values, "of_a_newer_version": 1}) == composition
    assert composition.habits() == Composition(dpi=600, width=85)


def test_the_command_line_draws_what_was_saved(tmp_path, capsys):
    state = state_of(THREE)
    composition = Composition(width=120.0, letters="rows", labels={0: "Here"})
    state = State(state.work, state.maps, {"colours": "PRGn_r"}, composition.as_json())
    save_state(state, tmp_path / "work.pdastudio")
    for suffix in ("pdf", "svg", "png", "tif"):
        save_composition(grid_of(state), composition, tmp_path / f"same.{suffix}")
        output = tmp_path / f"figure.{suffix}"
        assert main(["figure", str(tmp_path / "work.pdastudio"), "--output", str(output)]) == 0
        assert output.read_bytes() == (tmp_path / f"same.{suffix}").read_bytes()
    assert composition_of(load_state(tmp_path / "work.pdastudio")) == composition
    other = [
        "--width", "85", "--dpi", "150", "--letters", "none", "--no-caption", "--no-input",
        "--no-titles", "--no-labels", "--no-numbers", "--colour-bar", "none", "--tiles", "both",
        "--background", "black", "--font", "DejaVu Serif", "--font-size", "6",
    ]  # fmt: skip
    command = ["figure", str(tmp_path / "work.pdastudio"), "--output", str(output), *other]
    assert main(command) == 0
    with Image.open(output) as image:
        assert image.width == round(85 / 25.4 * 150)
    told = json.loads(Image.open(output).tag_v2[270])["composition"]
    assert (told["font"], told["show_input"], told["tiles"]) == ("DejaVu Serif", False, "both")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "figure.doc"], "must end in"),
        (["--output", "figure.pdf", "--width", "x"], "--width must be a number"),
        (["--output", "figure.pdf", "--dpi", "7.5"], "--dpi must be a whole number"),
        (["--output", "figure.pdf", "--font", "Wingbats"], "no font “Wingbats”"),
        (["--output", "figure.pdf", "--letters", "all"], "letters of a figure cannot be"),
        (["--output", "figure.pdf"], "no such file"),
    ],
)
def test_the_command_line_refuses_in_one_line(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["figure", "work.pdastudio", *words]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_uncertainty_is_drawn_on_a_scale_of_its_own():
    error = np.random.default_rng(3).uniform(0.1, 0.9, (28, 28)).astype(np.float32)
    shown = grid(styles=("map", "spread"), standard_error=error)
    drawn = draw_composition(shown, Composition(tiles="both"))
    assert "Occlusion: standard error" in words(drawn)
    wanted = heat_map(
        STYLES["spread"].layer(make_map(evidence=np.ones_like(error), standard_error=error)),
        STYLES["spread"].adapted(Appearance()),
        float(error.max()),
    )
    assert any(
        np.array_equal(np.asarray(one.images[0].get_array()), wanted) for one in tiles(drawn)
    )

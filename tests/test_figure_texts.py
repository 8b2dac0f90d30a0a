"""Texts of figures: none runs into another, covers an image or leaves the page."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import fontManager
from test_maps import make_map

from pda_studio.diagnostics import Conservation, ReadAt
from pda_studio.errors import UsageError
from pda_studio.figures import Composition, draw_composition
from pda_studio.figures import typesetting as ts
from pda_studio.figures.composed import compose, save_composition
from pda_studio.figures.composition import BACKGROUNDS, COLOUR_BARS, LETTERED, PAGE_HEIGHT
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.figures.scale import Scale, form_of, marks
from pda_studio.figures.typesetting import Type

UNITS = ("bits", "probability", "logit", "|logit| per pixel value", "rms")
METHODS = (
    ("efficient-pda", "Efficient PDA", {"window": 4, "outer": 12, "infill": "conditional-mean"}),
    ("occlusion", "Occlusion", {"window": 4, "stride": 2}),
    ("grad-cam", "Grad-CAM", {"layer": "auto", "sign": "both"}),
    ("integrated-gradients", "Integrated gradients", {"steps": 50}),
)
VIEWS = "Original", "Rotated 90° clockwise", "Flipped horizontally", "Cropped to 120 × 120"


def grid_of(rows, columns, *, styles=("overlay",), names=(), networks=("digits",), scale=1.0):
    """A grid as a workspace gives it: methods or networks as columns, views as rows."""
    shown = []
    for row in range(rows):
        maps = {}
        for column in range(columns):
            method, title, parameters = METHODS[column % 4]
            network = networks[column % len(networks)]
            probabilities = np.full(10, (1 - 0.4 - 0.05 * row) / 9)
            probabilities[3] = 0.4 + 0.05 * row
            one = make_map(
                method=method, title=title, parameters=parameters, classifier=network,
                fingerprint=f"{network:0<16}", probabilities=probabilities,
                unit=UNITS[column % len(UNITS)], target_name="tabby, tabby cat",
            )  # fmt: skip
            maps[column] = one.replace(evidence=one.evidence * np.float32(scale * 10.0**-column))
        label = names[row % len(names)] if names else VIEWS[row % 4]
        agreements = dict.fromkeys(maps, "r 0.93 · top 5 %: 81 %") if row else {}
        shown.append(Row(row, label, maps[0].view, maps, agreements))
    titles = [names[c % len(names)] if names else METHODS[c % 4][1] for c in range(columns)]
    made = tuple(Column(c, titles[c], styles[c % len(styles)]) for c in range(columns))
    return Grid("cat.jpg", tuple(shown), made)


def faults(figure):
    """What overlaps what, and what leaves the page."""
    renderer = figure._get_renderer()
    width, height = figure.bbox.size
    texts = [text for text in figure.texts if text.get_text()]
    texts += [label for axes in figure.axes for label in axes.get_xticklabels() if label.get_text()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    tiles = [(f"tile {at}", axes.get_window_extent()) for at, axes in enumerate(figure.axes)]
    found = [
        f"{name!r} leaves the page"
        for name, box in (*boxes, *tiles)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    pairs = [*combinations(boxes, 2), *((one, tile) for one in boxes for tile in tiles)]
    for (name, one), (other_name, other) in (*pairs, *combinations(tiles, 2)):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        if across > 1 and high > 1:
            found.append(f"{name!r} overlaps {other_name!r} by {across:.0f} × {high:.0f} dots")
    return found


@pytest.mark.parametrize("width", [85.0, 120.0, 180.0])
@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (1, 3), (1, 4), (2, 2), (6, 1), (2, 3), (3, 4), (12, 1), (1, 12)]
)
def test_figures_of_papers_have_room(width, rows, columns):
    figure = draw_composition(grid_of(rows, columns), Composition(width=width, dpi=150))
    assert faults(figure) == []
    across, high = figure.get_size_inches() * 25.4
    assert across == pytest.approx(width, abs=0.2)
    assert high <= PAGE_HEIGHT + 0.2


@pytest.mark.parametrize(("rows", "names", "size"), [(1, [], 10.0), (2, [""], 5.0), (3, [""], 7.0)])
def test_narrow_figures_of_large_texts_or_without_names(rows, names, size):
    """The probability of the headline is whole; where no row has a name, none stands beside it."""
    grid = grid_of(rows, 1, styles=["map"], names=names)
    narrow = Composition(width=50.0, font_size=size, colour_bar="each", letters="none", dpi=150)
    figure = draw_composition(grid, narrow)
    assert faults(figure) == []
    texts = {text.get_text() for text in figure.texts}
    assert "…" not in texts
    assert rows > 1 or "probability 40.0 %" in texts


SIGNS = st.sampled_from("abcdefgh WXYZ  éß猫鳥の한ع×→$^_\\{}<&>\"'\n\t\x07-–🐈")
NAMES = st.one_of(
    st.text(SIGNS, max_size=60),
    st.sampled_from(["", "a" * 300, "squeezenet1_1", "line\nbreak", "$x_1$", "猫と鳥" * 20]),
)


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")  # few computers have them all
@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    names=st.lists(NAMES, max_size=4),
    styles=st.lists(st.sampled_from(["map", "overlay", "both"]), min_size=1, max_size=3),
    networks=st.lists(st.sampled_from(["digits", "mobilenet_v3_large"]), min_size=1, max_size=2),
    scale=st.sampled_from([1e-7, 0.03, 1.0, 2.3, 99.0, 54321.0]),
    width=st.floats(50, 200),
    height=st.floats(100, 245),
    size=st.floats(5, 10),
    letters=st.sampled_from(LETTERED),
    colour_bar=st.sampled_from(COLOUR_BARS),
    background=st.sampled_from(BACKGROUNDS),
    shows=st.fixed_dictionaries({
        f"show_{what}": st.sampled_from([True, True, True, False])
        for what in ("input", "headline", "titles", "labels", "numbers", "caption")
    }),
)  # fmt: skip
def test_no_text_overlaps_and_none_leaves_the_page(
    rows, columns, names, styles, networks, scale, width, height, size, letters, colour_bar,
    background, shows,
):  # fmt: skip
    grid = grid_of(rows, columns, styles=styles, names=names, networks=networks, scale=scale)
    composition = Composition(
        width=width, height=height, font_size=size, letters=letters, colour_bar=colour_bar,
        background=background, dpi=150, **shows,
    )  # fmt: skip
    try:
        figure = draw_composition(grid, composition)
    except UsageError as refused:
        if "do not fit into" not in str(refused) or (width > 90 and height > 150 and not names):
            raise
        return
    assert faults(figure) == []


# What is said


def words(figure):
    return [text.get_text() for text in figure.texts]


def test_where_only_networks_differ_they_are_the_names():
    first = grid_of(1, 1).rows[0].maps[0]
    maps = {
        key: first.replace(classifier=name, fingerprint=name)
        for key, name in enumerate(("squeezenet1_1", "resnet18"))
    }
    grid = Grid(
        "cat.jpg",
        (Row(0, "Original", first.view, maps),),
        (Column(0, "Efficient PDA"), Column(1, "Efficient PDA")),
    )
    figure = draw_composition(grid, Composition())
    bold = [text.get_text() for text in figure.texts if text.get_weight() == "bold"]
    assert bold == ["tabby, tabby cat", "Input", "squeezenet1_1", "resnet18"]
    caption = " ".join(words(figure)).replace("\N{NO-BREAK SPACE}", " ")
    assert caption.count("infill = conditional-mean") == 1, "it is told once for both"


def test_a_caption_says_what_is_whose():
    first = grid_of(1, 1).rows[0].maps[0]
    maps = {
        key: first.replace(parameters={**first.parameters, "window": window})
        for key, window in enumerate((4, 8))
    }
    columns = Column(0, "Efficient PDA"), Column(1, "Efficient PDA")
    grid = Grid("cat.jpg", (Row(0, "Original", first.view, maps),), columns)
    for letters, first_name, second_name in (
        ("none", "Column 1", "Column 2"), ("columns", "(b)", "(c)"), ("panels", "(b)", "(c)"),
    ):  # fmt: skip
        caption = " ".join(words(draw_composition(grid, Composition(letters=letters))))
        caption = caption.replace("\N{NO-BREAK SPACE}", " ")
        assert f"{first_name}: window = 4 pixels. {second_name}: window = 8 pixels." in caption
        assert caption.count("outer patch = 12 pixels") == 1


def test_of_errors_that_differ_a_caption_tells_the_largest():
    grid = grid_of(2, 1)

    def caption_of(*logits):
        rows = tuple(
            Row(row.key, row.label, row.view, {
                0: row.maps[0].replace(forward="", diagnostics=(Conservation(10.0, logit),))
            })
            for row, logit in zip(grid.rows, logits, strict=True)
        )  # fmt: skip
        said = " ".join(words(draw_composition(Grid("", rows, grid.columns), Composition())))
        return said.replace("\N{NO-BREAK SPACE}", " ")

    assert "conservation error at most 0.99 %" in caption_of(10.1, 10.05)
    lost = caption_of(10.1, 100.0)
    assert "the map sums to 10, the logit is 100" in lost


def test_a_caption_names_the_layer_that_auto_has_taken():
    grid = grid_of(1, 1)
    one = grid.rows[0].maps[0]
    read = one.replace(
        method="grad-cam",
        title="Grad-CAM",
        parameters={"at": "auto", "sign": "both"},
        diagnostics=(ReadAt("relu2", 14, 14),),
    )
    linear = one.replace(
        parameters={**one.parameters, "forward": "linearised", "at": "auto"},
        forward="linearised at features.9, float32",
    )
    for made, layer in ((read, "relu2"), (linear, "features.9")):
        shown = Grid("", (Row(0, "Original", one.view, {0: made}),), grid.columns)
        caption = " ".join(words(draw_composition(shown, Composition())))
        caption = caption.replace("\N{NO-BREAK SPACE}", " ")
        assert f"layer = {layer}" in caption
        assert "layer = auto" not in caption


def test_probabilities_and_agreement_are_explained():
    said = " ".join(words(draw_composition(grid_of(2, 2), Composition())))
    assert "probability 40.0" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "top 5 %: share of the strongest" in said
    rows = tuple(
        Row(row.key, row.label, row.view, {
            key: one.replace(target_name=f"class {key}") for key, one in row.maps.items()
        })
        for row in grid_of(1, 2).rows
    )  # fmt: skip
    several = Grid("", rows, grid_of(1, 2).columns)
    said = " ".join(words(draw_composition(several, Composition())))
    assert "P(class 0)" in said
    assert "P: probability that the classifier gives the class." in said


def test_letters_stand_beside_images_not_on_them():
    for letters in ("panels", "columns", "rows"):
        for rows in (1, 3):
            figure = draw_composition(grid_of(rows, 2), Composition(letters=letters))
            assert faults(figure) == []


@pytest.mark.parametrize(
    ("rows", "columns", "width", "told"),
    [
        (6, 1, 178.0, "6 rows stand in 2 blocks side by side, to fit into 178 × 245 mm."),
        (1, 8, 85.0, "8 columns stand in"),
        (1, 2, 178.0, ""),
    ],
)
def test_what_is_done_to_fit_a_page_is_said(tmp_path, rows, columns, width, told):
    grid, composition = grid_of(rows, columns), Composition(width=width)
    figure, said = compose(grid, composition)
    assert said.startswith(told)
    assert bool(said) == bool(told)
    assert save_composition(grid, composition, tmp_path / "figure.pdf") == said
    images = sum(bool(axes.images) for axes in figure.axes)
    assert images >= rows * columns * 2 + rows, "each map, its scale, and the image"


# Colour bars


@pytest.mark.parametrize("end", [1e-9, 3.1e-5, 0.04, 0.99, 1.0, 2.3, 7.9, 54321.0])
@pytest.mark.parametrize("start", [-1.0, 0.0])
@pytest.mark.parametrize("points", [12, 30, 45, 70, 200])
def test_ticks_are_round_symmetric_and_beside_their_numbers(end, start, points):
    type = Type(dpi=144)
    scale = Scale(start * end, end, np.zeros((1, 3, 3), np.uint8), "bits", "red-blue")
    width = 2 * points
    form = form_of([(scale, width)], type, 6.5)
    found = marks(scale, width, type, 6.5, form)
    values = [value for value, _ in found.ticks]
    assert all(scale.start <= value <= end for value in values)
    if start:
        np.testing.assert_allclose(values, [-value for value in reversed(values)])
    if points >= 45:
        assert len(values) > 1
    right = -np.inf
    for value, label in found.ticks:
        at = (value - scale.start) / (scale.end - scale.start) * width
        half = type.width(label, 6.5) / 2
        assert at - half > right
        right = at + half


def unit_power(found):
    """The exponent that the unit is multiplied by, as ASCII."""
    unit = " ".join(text for line in found.lines for text, _ in line)
    after = unit.split("10", 1)[1] if "10" in unit else ""
    table = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))
    for sign in after:
        if sign not in table:
            return
        yield table[sign]


# Scripts


@pytest.fixture
def cat_font(tmp_path, monkeypatch):
    """A font with one Chinese sign, installed for as long as the test takes."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, 800))
    pen.lineTo((900, 800))
    pen.lineTo((900, 0))
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord("\u732b"): "cat"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "cat": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "cat": (1000, 100)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Cat Sans", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "cat.ttf")
    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    # As on a computer that has no other font of that script.
    lacking = [one for one in fontManager.ttflist if not ts._has(one.fname, "\u732b")]
    fontManager.ttflist[:] = lacking
    fontManager.addfont(tmp_path / "cat.ttf")
    for cached in (ts._families, ts._dots):
        cached.cache_clear()
    yield "Cat Sans"
    for cached in (ts._families, ts._dots):
        cached.cache_clear()


def named(text):
    grid = grid_of(1, 1)
    one = grid.rows[0].maps[0].replace(target_name=text)
    return Grid(text, (Row(0, "Original", one.view, {0: one}),), grid.columns)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_signs_are_taken_from_fonts_that_have_them(tmp_path, cat_font, suffix):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a sign that is missing
        said = save_composition(named("猫 Katze"), Composition(), tmp_path / f"figure.{suffix}")
    assert said == ""
    assert Type().families("猫 Katze")[-1] == cat_font
    assert Type().families("Katze") == ["DejaVu Sans"]
    if suffix == "svg":
        assert "猫 Katze" in (tmp_path / "figure.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("line\nbreak", "line break"), ("tab\tname", "tab name"), ("bell\x07", "bell"),
        ("$unclosed", "$unclosed"), ("lone \ud800 half", "lone half"),
        ("\n", "class without a name"),
    ],
)  # fmt: skip
def test_names_are_one_line(tmp_path, name, shown):
    figure = draw_composition(named(name), Composition())
    assert words(figure)[0] == shown
    for suffix in ("png", "pdf", "svg"):
        save_composition(named(name), Composition(dpi=72), tmp_path / f"figure.{suffix}")


def test_long_words_are_broken_and_long_names_end_in_an_ellipsis():
    type = Type()
    lines = type.folded("a" * 300, 200, 7.5, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert "".join(type.wrapped(["猫と鳥" * 10], 200, 7.5)) == "猫と鳥" * 10
    assert all(type.width(line, 7.5) <= 200 for line in lines)

"""How evidence becomes colours and lines: checked against other ways to compute the same."""

import colorsys
import json
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.path import Path as Outline
from scipy.ndimage import gaussian_filter
from test_maps import make_map

from pda_studio.errors import UsageError
from pda_studio.figures import draw_panel, save_panel
from pda_studio.rendering import (
    DIVERGING,
    SEQUENTIAL,
    STYLES,
    Appearance,
    Drawing,
    OverlayStyle,
    Threshold,
    colour_map,
    colour_scale,
    contours,
    heat_map,
    overlay,
    overlay_styles,
    scale_end,
    scale_start,
)

GREY = np.array((0.299, 0.587, 0.114))
OVERLAYS = [style.name for style in overlay_styles()]
SPREAD = STYLES["spread"]


def hilly_map(side=28, seed=0, **changes):
    """Smooth evidence of both signs, each somewhere clearly strong."""
    noise = np.random.default_rng(seed).standard_normal((side, side))
    evidence = gaussian_filter(noise, side / 14).astype(np.float32)
    return make_map(side=side, evidence=evidence / np.abs(evidence).max(), **changes)


def drawn(evidence_map, **appearance):
    """Where a heat map has a colour."""
    pixels = heat_map(evidence_map, Appearance(**appearance), evidence_map.limit)
    return (pixels != 255).any(axis=2)


# Colours


@pytest.mark.parametrize("name", DIVERGING)
def test_two_sides_meet_in_a_pale_zero(name):
    colours = colour_map(name)
    luminance = colours.table @ GREY
    assert luminance[len(luminance) // 2] > luminance[0]
    assert luminance[len(luminance) // 2] > luminance[-1]
    assert not np.allclose(colours.at(np.array(-1.0)), colours.at(np.array(1.0)), atol=0.2)


@pytest.mark.parametrize("name", ["red-blue", "orange-blue"])
def test_zero_is_white_and_both_sides_are_equally_light(name):
    colours = colour_map(name)
    assert np.array_equal(colours.at(np.zeros(1, np.float32))[0], (1, 1, 1))
    luminance = colours.table @ GREY
    assert (np.diff(luminance)[: len(luminance) // 2] > 0).all()
    assert (np.diff(luminance)[len(luminance) // 2 :] < 0).all()
    assert np.abs(luminance - luminance[::-1]).max() < 0.12


@pytest.mark.parametrize("name", [name for name in (*DIVERGING, *SEQUENTIAL) if "-" not in name])
def test_colours_of_matplotlib_are_matplotlibs(name):
    colours = colour_map(name)
    at = np.linspace(0, 1, 97) if colours.is_sequential else np.linspace(-1, 1, 97)
    part = at if colours.is_sequential else (at + 1) / 2
    expected = matplotlib.colormaps[name](part)[:, :3]
    np.testing.assert_allclose(colours.at(at), expected, rtol=0, atol=1e-15)


# Machado, Oliveira and Fernandes, IEEE TVCG 2009: how linear RGB looks without one kind of cone.
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


def lab(colour):
    """CIELAB of linear RGB (…, 3) under D65."""
    xyz = np.clip(colour, 0, 1) @ np.array(
        ((0.4124, 0.2126, 0.0193), (0.3576, 0.7152, 0.1192), (0.1805, 0.0722, 0.9505))
    )
    f = np.cbrt(xyz / np.array((0.9505, 1.0, 1.089)))
    parts = 116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])
    return np.stack(parts, -1)


@pytest.mark.parametrize("kind", BLIND)
def test_all_eyes_tell_the_safe_colours_apart(kind):
    part = np.linspace(0.2, 1, 17)
    linear = [np.power(colour_map("orange-blue").at(sign * part), 2.2) for sign in (-1, 1)]
    against, in_favour = (lab(colour @ np.array(BLIND[kind]).T) for colour in linear)
    assert np.linalg.norm(against - in_favour, axis=1).min() > 15
    unsafe = [np.power(colour_map("RdYlGn_r").at(sign * part), 2.2) for sign in (-1, 1)]
    if kind == "deutan":  # the test can tell: red and green do not pass
        green, red = (lab(colour @ np.array(BLIND[kind]).T) for colour in unsafe)
        assert np.linalg.norm(green - red, axis=1).min() < 15


def test_a_colour_map_that_is_not_there_is_told():
    with pytest.raises(UsageError, match="no colour map “jet”"):
        colour_map("jet")


# Styles


def test_no_evidence_no_colour_in_any_style():
    nothing = make_map(evidence=np.zeros((28, 28), np.float32))
    for style in OVERLAYS:
        for colours in ("red-blue", "orange-blue", "PuOr_r", "RdYlBu_r"):
            look = Appearance(style=style, colours=colours, unsigned_colours="viridis")
            pixels = overlay(nothing, look, 1.0).astype(int)
            assert np.ptp(pixels, axis=2).max() <= 1, (style, colours)


@pytest.mark.parametrize("name", SEQUENTIAL)
@pytest.mark.parametrize("style", ["blend", "hue"])
def test_weak_evidence_is_less_colourful_than_strong(style, name):
    ramp = np.repeat(np.linspace(0, 1, 28, dtype=np.float32)[None], 28, axis=0)
    grey = np.full((28, 28, 3), 128, np.uint8)
    look = Appearance(style=style, unsigned_colours=name)
    pixels = overlay(make_map(evidence=ramp, view=grey), look, 1.0)[0].astype(float)
    change = np.abs(pixels - pixels[0]).max(axis=1)
    assert change[3] < 0.4 * change.max()


def test_hue_and_saturation_of_the_evidence_brightness_of_the_image():
    evidence_map = hilly_map()
    pixels = overlay(evidence_map, Appearance(style="hue", opacity=0.8), 1.0) / 255
    table = colour_map("red-blue")
    for row, column in np.random.default_rng(1).integers(0, 28, (200, 2)):
        # As Zintgraf and others do it, in hue, saturation and value.
        grey = 1 - (1 - evidence_map.view[row, column] @ GREY / 255) / 2
        strength = evidence_map.evidence[row, column, None]
        hue, saturation, _ = colorsys.rgb_to_hsv(*table.at(strength)[0])
        expected = colorsys.hsv_to_rgb(hue, 0.8 * saturation, grey)
        np.testing.assert_allclose(pixels[row, column], expected, atol=0.003)


def test_more_opaque_hides_more_of_the_image():
    evidence_map = hilly_map()
    grey = 51 + 0.7 * (evidence_map.view @ GREY)
    far = [
        np.abs(overlay(evidence_map, Appearance(opacity=o), 1.0) - grey[..., None]).mean()
        for o in (0.0, 0.3, 0.6, 1.0)
    ]
    assert far[0] < 0.6
    assert far == sorted(far)
    assert far[-1] > 3 * far[0]


@pytest.mark.parametrize(("sign", "kept"), [("for", 1), ("against", -1)])
def test_one_sign_alone(sign, kept):
    evidence_map = hilly_map()
    alone = evidence_map.replace(evidence=np.where(
        np.sign(evidence_map.evidence) == kept, evidence_map.evidence, 0).astype(np.float32)
    )  # fmt: skip
    for style in OVERLAYS:
        one, other = Appearance(style=style, sign=sign), Appearance(style=style)
        np.testing.assert_array_equal(overlay(evidence_map, one, 1.0), overlay(alone, other, 1.0))
    levels = [contour.level for contour in contours(evidence_map, Appearance(sign=sign), 1.0)]
    assert levels
    assert (np.sign(levels) == kept).all()


def test_what_is_guessed_is_paler():
    covered = np.zeros((28, 28), bool)
    covered[:, :14] = True
    evidence = np.full((28, 28), 1, np.float32)
    half = make_map(evidence=evidence, covered=covered)
    for image in (heat_map(half, Appearance(), 1), overlay(half, Appearance(style="hue"), 1)):
        red = image[0, :, 0].astype(int) - image[0, :, 2]
        assert red[13] > 1.5 * red[14] > 0


# Thresholds


def test_thresholds_by_part_value_percentile_and_significance():
    error = np.random.default_rng(2).uniform(0.01, 0.4, (28, 28)).astype(np.float32)
    evidence_map = hilly_map(standard_error=error)
    size = np.abs(evidence_map.evidence)
    limit = evidence_map.limit
    coloured = drawn(evidence_map)
    for threshold, expected in (
        (Threshold(part=0.3), size >= 0.3 * limit),
        (Threshold("value", values={"bits": 0.25}), size >= 0.25),
        (Threshold("value", values={"logit": 0.25}), size >= 0),
        (Threshold("percentile", percentile=75), size >= np.sort(size.ravel())[588]),
        (Threshold("significance", errors=2), size > 2 * error),
    ):
        shown = drawn(evidence_map, threshold=threshold)
        np.testing.assert_array_equal(shown, expected & coloured)
        assert expected.all() or 0.02 < shown.mean() < 0.6
    assert abs(drawn(evidence_map, threshold=Threshold("percentile")).mean() - 0.1) < 0.005


def test_without_a_standard_error_significance_hides_nothing():
    threshold = Threshold("significance", errors=3)
    evidence_map = hilly_map()
    np.testing.assert_array_equal(drawn(evidence_map, threshold=threshold), drawn(evidence_map))


# Scales


def test_scales():
    maps = [make_map(), hilly_map(), make_map(unit="logit")]
    assert [scale_end(one, maps, Appearance()) for one in maps] == [2, 1, 2]
    assert [scale_end(one, maps, Appearance(scale="all")) for one in maps] == [2, 2, 2]
    fixed = Appearance(scale="fixed", limits={"bits": 0.5})
    assert [scale_end(one, maps, fixed) for one in maps] == [0.5, 0.5, 2]


def test_a_map_without_a_sign_begins_with_zero_only_if_that_is_wanted():
    unsigned = make_map(evidence=np.abs(make_map().evidence))
    wanted = Appearance(unsigned_colours="viridis")
    assert scale_start(unsigned, Appearance(), 2.0) == -2
    assert scale_start(unsigned, wanted, 2.0) == 0
    assert scale_start(make_map(), wanted, 2.0) == -2
    turned_back = unsigned.replace(covered=np.eye(28, dtype=bool))
    assert scale_start(turned_back, wanted, 2.0) == 0
    half = np.full((28, 28), 0.5, np.float32)
    unfinished = unsigned.replace(covered=half > 0, share=half)
    assert scale_start(unfinished, wanted, 2.0) == -2, "evidence against may still come"
    ends = colour_scale(unsigned, wanted, 2.0)[[0, -1]] / 255
    expected = matplotlib.colormaps["viridis"]([0.0, 1.0])[:, :3]
    np.testing.assert_allclose(ends, expected, atol=1 / 255)


def test_the_scale_shows_what_is_drawn():
    look = Appearance(sign="for", threshold=Threshold(part=0.5))
    scale = colour_scale(make_map(), look, 2.0, steps=401)
    coloured = (scale != 255).any(axis=1)
    assert not coloured[:299].any()
    assert coloured[301:].all()


# Contours


def test_contours_enclose_what_is_stronger():
    window = np.pad(np.ones((48, 48), np.float32), 4)  # no line ends at the edge
    evidence_map = hilly_map(side=56)
    evidence_map = evidence_map.replace(evidence=evidence_map.evidence * window)
    found = contours(evidence_map, Appearance(), 1.0)
    assert [contour.level for contour in found] == pytest.approx([-0.3, 0.3, -0.65])
    row, column = np.mgrid[:56, :56]
    centres = np.stack([column.ravel() + 0.5, row.ravel() + 0.5], -1)
    for contour in found:
        inside = np.zeros(56 * 56, bool)
        for line in contour.lines:
            assert np.array_equal(line[0], line[-1])
            inside ^= Outline(line).contains_points(centres)
        stronger = evidence_map.evidence * np.sign(contour.level) > abs(contour.level)
        assert stronger.any()
        assert (inside.reshape(56, 56) != stronger).mean() < 0.001


def test_contours_run_up_to_the_edge():
    ramp = np.repeat(np.linspace(0, 1, 28, dtype=np.float32)[:, None], 28, axis=1)
    for contour in contours(make_map(evidence=ramp), Appearance(), 1.0):
        (line,) = contour.lines
        assert sorted(line[[0, -1], 0]) == [0, 28]
        np.testing.assert_allclose(line[:, 1], 27 * contour.level + 0.5, atol=1e-4)


def test_a_circle_is_found_where_it_is():
    row, column = np.mgrid[:64, :64] + 0.5
    cone = 1 - np.hypot(row - 30, column - 26) / 32
    evidence_map = make_map(side=64, evidence=np.clip(cone, 0, 1).astype(np.float32))
    for threshold, levels in ((0.0, (0.3, 0.65)), (0.5, (0.5, 0.825))):
        look = Appearance(threshold=Threshold("value", values={"bits": threshold}))
        found = contours(evidence_map, look, 1.0)
        assert [contour.level for contour in found] == pytest.approx(levels)
        for contour in found:
            (line,) = contour.lines
            radius = np.hypot(line[:, 0] - 26, line[:, 1] - 30)
            assert radius == pytest.approx(32 * (1 - contour.level), abs=0.3)


def test_specks_have_no_contours():
    noise = np.random.default_rng(0).standard_normal((224, 224)).astype(np.float32)
    found = contours(make_map(side=224, evidence=noise), Appearance(), float(noise.max()))
    assert all(len(line) >= 8 for contour in found for line in contour.lines)
    dot = np.zeros((28, 28), np.float32)
    dot[5, 7] = 1
    (line, *_) = contours(make_map(evidence=dot), Appearance(), 1.0)[0].lines
    np.testing.assert_allclose(line.mean(0), (7.5, 5.5), atol=0.2)


# As a value


def test_an_appearance_goes_through_json():
    look = Appearance(
        style="hue",
        colours="PuOr_r",
        unsigned_colours="magma",
        opacity=0.25,
        sign="against",
        threshold=Threshold("value", values={"bits": 0.5}, errors=3),
        scale="fixed",
        limits={"bits": 1.5},
    )
    assert Appearance.from_json(json.loads(json.dumps(look.as_json()))) == look
    assert Appearance.from_json({}) == Appearance()
    newer = {**Appearance().as_json(), "something new": 1}
    assert Appearance.from_json(newer) == Appearance()


@pytest.mark.parametrize(
    "values",
    [
        [],
        None,
        {"style": "fog"},
        {"style": ["hue"]},
        {"colours": "viridis"},
        {"unsigned_colours": "red-blue"},
        {"opacity": 1.5},
        {"opacity": float("nan")},
        {"opacity": True},
        {"opacity": "0.5"},
        {"sign": 1},
        {"threshold": 0.5},
        {"threshold": {"kind": "none"}},
        {"threshold": {"percentile": 101}},
        {"threshold": {"errors": -1}},
        {"threshold": {"values": {"bits": -1}}},
        {"scale": "log"},
        {"limits": {"bits": 0}},
        {"limits": {"bits": float("inf")}},
        {"limits": {"bits": None}},
        {"limits": [1]},
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(values):
    with pytest.raises(UsageError) as told:
        Appearance.from_json(values)
    assert "\n" not in str(told.value)
    assert str(told.value).endswith(".")


def test_neither_matplotlib_nor_qt_is_imported_before_it_is_needed():
    code = (
        "import sys, numpy as np; from pda_studio import rendering;"
        "rendering.colour_map('red-blue');"
        "late = 'matplotlib', 'contourpy', 'cmap', 'torch', 'PySide6';"
        "print([m for m in late if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


# In figures


def tiles(figure):
    shown = [axes for axes in figure.axes if axes.images]
    shown.sort(key=lambda axes: (-round(axes.get_position().y0, 3), axes.get_position().x0))
    return shown


@pytest.mark.parametrize("style", OVERLAYS)
def test_a_figure_shows_what_the_window_shows(style):
    maps = [hilly_map(), make_map()]
    look = Appearance(
        style=style, colours="orange-blue", scale="all", threshold=Threshold(part=0.2)
    )
    figure = draw_panel(maps, appearance=look)
    _, heat, laid_over, *_ = tiles(figure)
    np.testing.assert_array_equal(heat.images[0].get_array(), heat_map(maps[0], look, 2.0))
    np.testing.assert_array_equal(laid_over.images[0].get_array(), overlay(maps[0], look, 2.0))
    levels = contours(maps[0], look, 2.0) if style == "contours" else []
    assert len(laid_over.collections) == 2 * len(levels)  # each with an edge
    for lines, contour in zip(laid_over.collections[1::2], levels, strict=True):
        path = np.concatenate([one.vertices for one in lines.get_paths()])
        np.testing.assert_allclose(path + 0.5, contour.points)
    assert all(axes.images[0].get_extent()[:2] == [-2, 2] for axes in tiles(figure)[-2:])


def test_contours_are_lines_in_a_figure(tmp_path):
    for style in ("blend", "contours"):
        save_panel([hilly_map()], tmp_path / f"{style}.svg", appearance=Appearance(style=style))
    lines = {
        style: (tmp_path / f"{style}.svg").read_text().count("<path")
        for style in ("blend", "contours")
    }
    drawn_lines = sum(len(one.starts) for one in contours(hilly_map(), Appearance(), 1.0))
    assert lines["contours"] - lines["blend"] >= 2 * drawn_lines > 0


def test_a_figure_of_a_map_without_a_sign_has_no_side_against():
    unsigned = make_map(evidence=np.abs(make_map().evidence))
    look = Appearance(unsigned_colours="viridis")
    figure = draw_panel([unsigned], appearance=look)
    assert not any("against" in text.get_text() for text in figure.texts)
    assert tiles(figure)[-1].images[0].get_extent()[:2] == [0, 2]
    assert tiles(figure)[-1].get_xticklabels()[0].get_text() == "0"


# How uncertain a map is


def test_a_spread_is_drawn_from_zero_up_whatever_hides_evidence():
    evidence_map = hilly_map()
    error = np.linspace(0, 0.5, evidence_map.evidence.size, dtype=np.float32).reshape(28, 28)
    sampled = evidence_map.replace(standard_error=error)
    hiding = Appearance(sign="against", threshold=Threshold(part=0.9), style="contours")
    spread, look = SPREAD.layer(sampled), SPREAD.adapted(hiding)
    end = SPREAD.limit(sampled, [sampled], hiding)
    assert end == 0.5
    assert scale_start(spread, look, end) == 0
    pixels = heat_map(spread, look, end)
    table = matplotlib.colormaps["viridis"]
    expected = np.rint(255 * table(error.astype(np.float64) / 0.5)[..., :3])
    assert np.abs(pixels - expected).max() <= 2  # a step of the table at the edge of two
    chosen = SPREAD.adapted(Appearance(unsigned_colours="magma"))
    assert tuple(heat_map(spread, chosen, end)[0, 0]) == (0, 0, 4)
    assert SPREAD.layer(evidence_map) is None


def test_spreads_of_one_unit_share_a_scale_where_maps_do():
    small, large, other = (
        make_map(unit=unit, standard_error=np.full((28, 28), error, np.float32))
        for unit, error in (("bits", 0.1), ("bits", 0.4), ("logit", 9))
    )
    maps = [small, large, other, make_map()]
    assert SPREAD.limit(small, maps, Appearance()) == pytest.approx(0.1)
    assert SPREAD.limit(small, maps, Appearance(scale="all")) == pytest.approx(0.4)
    fixed = Appearance(scale="fixed", limits={"bits": 3})
    assert SPREAD.limit(small, maps, fixed) == pytest.approx(0.4)
    exact = make_map(standard_error=np.zeros((28, 28), np.float32))
    assert SPREAD.limit(exact, [], Appearance()) == 1


# A style is declared once


class Spotlight(OverlayStyle):
    """The image as it is where there is evidence, dark elsewhere."""

    name = "spotlight"
    title = "Spotlight"
    help = "Darkens what has no evidence."
    uses = frozenset({"opacity", "sign", "threshold", "scale"})

    def draw(self, layer, appearance, limit, *, preview=False):
        strength = np.clip(np.abs(layer.evidence)[..., None] / limit, 0, 1)
        image = layer.view / 255
        return Drawing(image, image * strength, np.ones_like(strength))


del STYLES["spotlight"]  # the tests above are about the program's own


@pytest.fixture
def spotlight(monkeypatch):
    monkeypatch.setitem(STYLES, "spotlight", Spotlight())


def test_a_style_is_declared_once_and_found_by_figures(spotlight):
    evidence_map, look = hilly_map(), Appearance(style="spotlight", opacity=1.0)
    assert "spotlight" in [style.name for style in overlay_styles()]
    assert Appearance.from_json(look.as_json()) == look
    _, _, laid_over, *_ = tiles(draw_panel([evidence_map], appearance=look))
    expected = evidence_map.view * np.abs(evidence_map.evidence / evidence_map.limit)[..., None]
    np.testing.assert_allclose(laid_over.images[0].get_array(), expected, atol=0.51)


def test_a_style_without_its_declaration_is_refused():
    with pytest.raises(UsageError, match="style of maps cannot be 'spotlight'"):
        Appearance(style="spotlight")
    with pytest.raises(UsageError, match="choose one of “blend”"):
        Appearance(style="map")  # stands by itself: it is no overlay

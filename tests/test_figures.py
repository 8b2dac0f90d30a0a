"""Panels: what stands where, in which colours, in which files."""

import re

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_maps import make_map

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.figures import draw_bias_shares, draw_panel, save_bias_shares, save_panel
from pda_studio.rendering import Appearance, heat_map, overlay
from pda_studio.targets import ClassTarget


def texts(figure):
    return [text.get_text() for text in figure.texts]


def images(figure):
    """What each axes shows, left to right and top to bottom."""
    shown = [axes for axes in figure.axes if axes.images]
    shown.sort(key=lambda axes: (-round(axes.get_position().y0, 3), axes.get_position().x0))
    return [axes.images[0] for axes in shown]


def test_one_map_stands_as_image_evidence_and_overlay():
    evidence_map = make_map()
    figure = draw_panel([evidence_map])
    image, heat, laid_over, bar = images(figure)
    np.testing.assert_array_equal(image.get_array(), evidence_map.view)
    look = Appearance()
    np.testing.assert_array_equal(heat.get_array(), heat_map(evidence_map, look, 2.0))
    np.testing.assert_array_equal(laid_over.get_array(), overlay(evidence_map, look, 2.0))
    assert bar.get_extent()[:2] == [-2, 2]
    for drawn_image in (image, heat, laid_over, bar):
        assert drawn_image.get_interpolation() == "none"
    drawn = " ".join(texts(figure))
    for word in ("three", "75.0 %", "Efficient PDA", "evidence (bits)", "digits", "built in"):
        assert word in drawn.replace("\N{NO-BREAK SPACE}", " ")


def test_colours_red_for_blue_against_white_zero():
    evidence_map = make_map()
    heat = images(draw_panel([evidence_map]))[1].get_array() / 255
    red, green, blue = heat[evidence_map.evidence == 2][0]
    assert red > 0.3 > max(green, blue)
    red, green, blue = heat[evidence_map.evidence == -1][0]
    assert blue > 0.6 > red
    assert heat[evidence_map.evidence == 0].min() > 0.95
    bar = images(draw_panel([evidence_map]))[-1].get_array() / 255
    assert bar[0, 0, 2] > 0.3 > max(bar[0, 0, :2])
    assert bar[0, -1, 0] > 0.3 > max(bar[0, -1, 1:])


def test_the_overlay_is_grey_where_there_is_no_evidence():
    evidence_map = make_map()
    pixels = overlay(evidence_map, Appearance(), 2.0).astype(int)
    none = evidence_map.evidence == 0
    assert (np.ptp(pixels[none], axis=1) == 0).all()
    assert (pixels[evidence_map.evidence > 0][:, 0] > pixels[evidence_map.evidence > 0][:, 2]).all()
    assert (pixels[evidence_map.evidence < 0][:, 2] > pixels[evidence_map.evidence < 0][:, 0]).all()


def test_a_map_of_zeros_can_be_drawn():
    figure = draw_panel([make_map(evidence=np.zeros((28, 28), np.float32))])
    assert (images(figure)[1].get_array() == 255).all()
    assert images(figure)[-1].get_extent()[:2] == [-1, 1]


def test_only_parameters_that_play_a_part_are_told():
    told = " ".join(texts(draw_panel([make_map()]))).replace("\N{NO-BREAK SPACE}", " ")
    assert "outer patch = 12 pixels" in told
    assert "statistics" not in told
    parameters = {"window": 4, "outer": 12, "infill": "grey"}
    told = " ".join(texts(draw_panel([make_map(parameters=parameters)])))
    assert "outer" not in told
    assert "grey" in told


def test_unfinished_maps_say_so():
    covered = np.zeros((28, 28), bool)
    covered[:7] = True
    assert "unfinished, 25 % covered" in texts(draw_panel([make_map(covered=covered)]))
    assert not any("unfinished" in text for text in texts(draw_panel([make_map()])))


def test_several_maps_are_told_apart():
    other = make_map(parameters={"window": 8, "outer": 12, "infill": "conditional-mean"})
    told = texts(draw_panel([make_map(), other]))
    assert "window = 4" in told  # the method is the same: what differs is the name
    assert "window = 8" in told
    second = make_map(target=ClassTarget(1), index=1, target_name="one")
    told = texts(draw_panel([make_map(), second]))
    assert any("P(three) 75.0 %" in text for text in told)
    assert any("P(one) 2.8 %" in text for text in told)


def test_the_image_is_drawn_again_where_it_changes():
    turned = make_map(view=np.rot90(make_map().view).copy())
    assert len(images(draw_panel([make_map(), make_map()]))) == 1 + 2 * 3
    assert len(images(draw_panel([make_map(), turned]))) == 2 + 2 * 3
    five = [make_map() for _ in range(5)]  # which have no room side by side
    assert len(images(draw_panel(five))) == 2 + 5 * 3


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("title", ["PDA", "A method with a name that is much too long for it " * 3])
def test_nothing_is_cut_off_and_no_tiles_overlap(count, title):
    maps = [make_map(title=title, target_name=f"{title} $x^2$ {i}") for i in range(count)]
    figure = draw_panel(maps)
    renderer = figure._get_renderer()
    width, height = figure.bbox.size
    boxes = [text.get_window_extent(renderer) for text in figure.texts if text.get_text()]
    boxes += [axes.get_tightbbox(renderer) for axes in figure.axes]
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    tiles = [axes.get_window_extent() for axes in figure.axes]
    for i, one in enumerate(tiles):
        assert not any(one.overlaps(other) for other in tiles[i + 1 :])


def test_every_pixel_gets_as_many_dots(tmp_path):
    evidence = np.where(np.indices((28, 28)).sum(0) % 2, 1, -1).astype(np.float32)
    save_panel([make_map(evidence=evidence)], tmp_path / "panel.png")
    figure = draw_panel([make_map(evidence=evidence)])
    box = figure.axes[1].get_window_extent()
    pixels = np.asarray(Image.open(tmp_path / "panel.png").convert("RGB")).astype(int)
    row = pixels[pixels.shape[0] - round(box.y1) + 12, round(box.x0) + 6 : round(box.x1) - 6]
    changes = np.flatnonzero(np.diff((row[:, 0] > row[:, 2]).astype(int)))
    assert len(changes) == 27
    assert set(np.diff(changes)) == {round(box.width / 28)}


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml"), (".tif", b"II*\0")],
)
def test_files_of_every_kind_are_the_same_each_time(tmp_path, suffix, start):
    for name in ("a", "b"):
        save_panel([make_map(), make_map(title="Other")], tmp_path / f"{name}{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data.startswith(start)
    assert data == (tmp_path / f"b{suffix}").read_bytes()


def test_text_stays_text(tmp_path):
    save_panel([make_map()], tmp_path / "panel.svg")
    svg = (tmp_path / "panel.svg").read_text()
    assert re.search(r"<text[^>]*>three</text>", svg)
    save_panel([make_map()], tmp_path / "panel.pdf")
    pdf = (tmp_path / "panel.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf or b"/Type0" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


def test_settings_of_the_user_do_not_show(tmp_path):
    save_panel([make_map()], tmp_path / "a.png")
    with matplotlib.rc_context({"savefig.bbox": "tight", "image.origin": "lower"}):
        save_panel([make_map()], tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pyplot_knows_nothing_of_it():
    import matplotlib.pyplot as plt

    assert isinstance(draw_panel([make_map()]), Figure)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", ["panel.jpg", "panel", "panel.npz"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"\.png, \.pdf, \.svg or \.tif"):
        save_panel([make_map()], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(UsageError):
        draw_panel([])
    with pytest.raises(PdaStudioError, match="does not exist"):
        save_panel([make_map()], tmp_path / "none" / "panel.png")


def test_captions_tell_how_a_map_came_about():
    evidence_map = make_map().replace(forward="conservation error 3 %")
    drawn = " ".join(texts(draw_panel([evidence_map])))
    assert "; conservation error 3 %." in drawn


def test_bias_shares_stand_over_their_layers(tmp_path):
    shares = [(f"layer{index}", 1.3 - index / 50) for index in range(60)]
    figure = draw_bias_shares(shares, "net: $class$", "bird.jpg")
    (axes,) = figure.axes
    line = axes.lines[0]
    np.testing.assert_allclose(line.get_ydata(), [share for _, share in shares])
    named = [label.get_text() for label in axes.get_xticklabels()]
    assert named == [f"layer{index}" for index in axes.get_xticks()]
    assert len(named) <= 40
    assert axes.get_ylim()[1] > 1.3
    for suffix in ("png", "pdf", "svg"):
        once, again = (tmp_path / f"{name}.{suffix}" for name in ("once", "again"))
        for path in (once, again):
            save_bias_shares(shares, path, "net: $class$", "bird.jpg")
        assert once.read_bytes() == again.read_bytes()
    with pytest.raises(UsageError, match="no layer to draw"):
        draw_bias_shares([], "net")
    with pytest.raises(UsageError, match="must end in"):
        save_bias_shares(shares, tmp_path / "figure.doc", "net")

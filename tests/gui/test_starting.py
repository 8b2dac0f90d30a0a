"""The first start: a finished example before the engine is there."""

from importlib.resources import files

import numpy as np
from driver import Opened
from PIL import Image

from pda_studio.rendering import Appearance, heat_map


def test_the_example_is_there_before_the_engine(opened: Opened) -> None:
    studio = opened(finished=False)
    page = studio.window.starting
    assert studio.window.pages.currentWidget() is page
    shown = page.grab().toImage()
    side = min((page.width() - 48) // 2, page.height() - 108, 900)
    colours = {
        shown.pixelColor(x, y).name()
        for x in range(32 + side, 32 + 2 * side, 3)
        for y in range(60, 60 + side, 3)
    }
    assert "#ffffff" in colours
    assert any(int(c[1:3], 16) > 150 and int(c[5:7], 16) < 90 for c in colours), "some is red"


def test_the_map_that_comes_with_the_program_is_the_one_it_computes(opened: Opened) -> None:
    studio = opened()
    computed = studio.session.all_finished()[0]
    path = files("pda_studio.resources") / "digits" / "example_map.png"
    with path.open("rb") as file, Image.open(file) as image:
        shipped = np.asarray(image.convert("RGB")).astype(int)
    drawn = heat_map(computed, Appearance(), computed.limit).astype(int)
    assert np.abs(shipped - drawn).max() <= 4


def test_a_image_of_ones_own_has_no_example(opened: Opened) -> None:
    from pda_studio.gui.opening.opening import sample_digits

    studio = opened(finished=False, image=sample_digits()[3])
    assert not studio.window.starting._images
    assert studio.window.hints.isHidden()

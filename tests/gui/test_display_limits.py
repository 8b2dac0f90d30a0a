"""Black and white of a deep image in the window: dragged, inverted, undone; and its pages."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from driver import WAIT, Opened, wait_for_maps
from PIL import Image as Pillow
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from pda_studio.document.history import History
from pda_studio.document.operations import Crop, Flip
from pda_studio.document.saved import load_state, save_state
from pda_studio.document.state import State
from pda_studio.document.workspace import SourceImage, Workspace
from pda_studio.gui.images.values_histogram import ValuesHistogram
from pda_studio.gui.window.studio import Studio
from pda_studio.images import DisplayLimits, Image, read_image

SIDE = 56


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Three pages of 12 bits."""
    random = np.random.default_rng(0)
    values = random.integers(0, 4096, (3, SIDE, SIDE)).astype(np.uint16)
    values[:, 0, 0] = 4095
    tifffile.imwrite(tmp_path / "stack.tif", values, photometric="minisblack")
    return tmp_path / "stack.tif"


def limits(studio: Studio) -> tuple[float, float]:
    image = studio.session.work.image
    assert image is not None
    return image.image.limits.black, image.image.limits.white


def wait_for(qtbot: QtBot, studio: Studio, black: float, white: float) -> None:
    def reached() -> bool:
        return limits(studio) == pytest.approx((black, white), abs=30)

    qtbot.waitUntil(reached, timeout=WAIT)


def test_limits_and_pages_in_the_window(opened: Opened, qtbot: QtBot, stack: Path) -> None:
    studio = opened(image=stack)
    box, session = studio.window.image_box, studio.session
    assert box.isVisible()
    assert limits(studio) == (0, 4095)
    histogram = box.histogram
    start = QPoint(round(histogram.grips["white"]), 30)
    end = QPoint(round((histogram.grips["black"] + histogram.grips["white"]) / 2), 30)
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(histogram, (start + end) / 2)
    qtbot.mouseMove(histogram, end)
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=end)
    wait_for(qtbot, studio, 0, 2048)
    assert box.white.value() == pytest.approx(2048, abs=30)

    def maps_follow() -> bool:
        maps = session.all_finished()
        return bool(maps) and maps[0].limits == session.work.image.image.limits

    qtbot.waitUntil(maps_follow, timeout=WAIT)
    studio.window.registry["undo"].trigger()
    assert limits(studio) == (0, 4095), "a drag is one edit"
    qtbot.mouseClick(box.invert_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, studio, 4095, 0)
    box.page.setValue(3)
    qtbot.waitUntil(lambda: session.work.image.image.page == 3, timeout=WAIT)
    wanted = tifffile.imread(stack)[2]
    np.testing.assert_array_equal(session.work.image.image.values[..., 0], wanted)
    assert limits(studio) == (4095, 0), "pages stay comparable"
    assert box.page_slider.value() == 3
    stack.unlink()
    box.page.setValue(1)
    qtbot.waitUntil(lambda: studio.window.banner.isVisible(), timeout=WAIT)
    assert session.work.image.image.page == 3


def test_the_section_is_there_where_it_matters(opened: Opened, qtbot: QtBot, stack: Path) -> None:
    studio = opened()
    box = studio.window.image_box
    assert not box.isVisible(), "eight bits need no limits"
    studio.window.registry["image-section"].trigger()
    assert box.isVisible()
    studio.window.registry["invert-image"].trigger()
    image = studio.session.work.image
    assert image is not None
    qtbot.waitUntil(lambda: studio.session.work.image is not image, timeout=WAIT)
    assert not studio.session.work.image.image.is_eight_bit
    studio.window.registry["undo"].trigger()
    assert studio.session.work.image is image
    studio.window.registry["image-section"].trigger()
    assert not box.isVisible()


def test_limits_that_move_quickly_are_one_step_of_undo() -> None:
    values = np.zeros((8, 8, 1), np.uint16)
    first = SourceImage.of("a", Image(values, DisplayLimits(0, 10)))
    works = [Workspace(image=first.with_limits(DisplayLimits(0, 10 + at))) for at in range(4)]
    history = History()
    for at, (before, after) in enumerate(pairwise(works)):
        history.note(before, after, when=at / 10)
    assert history.undo(works[-1]) is works[0]
    assert history.undo(works[0]) is None
    other = replace(works[0], image=SourceImage.of("b", Image(values.copy(), DisplayLimits(0, 1))))
    history.note(works[0], works[1], when=1)
    history.note(works[1], other, when=1.1)
    assert history.undo(other) is works[1], "another image is a step of its own"


def test_animations_have_pages(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    frames = [Pillow.fromarray(np.full((28, 28), value, np.uint8)) for value in (0, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    studio = opened(image=tmp_path / "a.gif", finished=False)
    qtbot.waitUntil(lambda: studio.window.image_box.isVisible(), timeout=WAIT)
    studio.window.image_box.page_slider.setValue(2)
    qtbot.waitUntil(lambda: studio.session.work.image.image.page == 2, timeout=WAIT)
    assert studio.session.work.image.pixels[0, 0, 0] == 90


def test_a_volume_is_cut_in_the_plane_that_is_chosen(
    opened: Opened, qtbot: QtBot, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).integers(0, 900, (40, 36, 32)).astype(np.int16)
    path = tmp_path / "volume.nii"
    nib.save(nib.Nifti1Image(values, np.diag([1.0, 2.0, 3.0, 1.0])), path)
    studio = opened(image=path, finished=False)
    box, session = studio.window.image_box, studio.session
    qtbot.waitUntil(lambda: session.prediction(0) is not None, timeout=WAIT)
    assert box.plane.isVisible()
    assert box.plane.currentData() == "axial"
    session.rows.transform(Crop(0, 0, 40, 30))
    session.rows.transform(Flip("vertical"))
    wait_for_maps(qtbot, studio)
    with qtbot.waitSignal(studio.exporting.failed, timeout=WAIT):
        studio.exporting.save_map(path)
    assert "would replace the image" in studio.window.banner.message.text()
    box.plane.setFocus()
    qtbot.keyClick(box.plane, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: session.work.image.image.plane == "coronal", timeout=WAIT)
    assert session.work.image.size == (40, 32)
    assert [len(row.operations) for row in session.work.rows] == [0, 1], "without the rectangle"
    assert (box.page.value(), box.page.maximum()) == (18, 36)
    box.page.setValue(5)
    qtbot.waitUntil(lambda: session.work.image.image.page == 5, timeout=WAIT)
    wanted = values[::-1, 4, ::-1].T
    np.testing.assert_array_equal(session.work.image.image.values[..., 0], wanted)
    assert box.plane.currentData() == "coronal"
    save_state(State(session.work), tmp_path / "work.pdastudio")
    saved = load_state(tmp_path / "work.pdastudio").work.image
    assert saved is not None
    found, meant = saved.image, session.work.image.image
    assert (found.plane, found.page, found.spacing) == ("coronal", 5, meant.spacing)
    assert found.geometry is not None
    assert found.geometry.axes == meant.geometry.axes
    np.testing.assert_array_equal(found.geometry.affine, meant.geometry.affine)
    studio.window.registry["undo"].trigger()
    studio.window.registry["undo"].trigger()
    assert box.plane.currentData() == "axial"
    assert len(session.work.rows) == 3


def test_between_the_grips_both_are_dragged(qtbot: QtBot, stack: Path) -> None:
    histogram = ValuesHistogram()
    qtbot.addWidget(histogram)
    histogram.resize(240, histogram.height())
    image = read_image(stack).with_limits(DisplayLimits(1000, 2000))
    histogram.show_image(image)
    black, white = (round(histogram.grips[end]) for end in ("black", "white"))
    per_pixel = 1000 / (histogram.grips["white"] - histogram.grips["black"])
    moved: list[tuple[float, float]] = []
    histogram.moved.connect(lambda *ends: moved.append(ends))
    start = QPoint((black + white) // 2, 20)
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=start)
    for further in (10, 30):
        qtbot.mouseMove(histogram, start + QPoint(further, 0))
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 0))
    assert moved[-1] == pytest.approx((1000 + 30 * per_pixel, 2000 + 30 * per_pixel), rel=1e-3)

"""The crop's frame follows the pointer, keeps the input's aspect and stays within the image."""

import pytest

from pda_studio.document.model_input import crop_of, in_opened_image
from pda_studio.document.operations import Flip, Operation, Rotate
from pda_studio.document.workspace import Row
from pda_studio.gui.grid.crop_handles import CropHandles, Handle
from pda_studio.images.fit import CropBox

IMAGE = 60, 40


def dragged(handles: CropHandles, start: tuple[float, float], end: tuple[float, float]) -> CropBox:
    assert handles.hold(*start, reach=2)
    handles.drag(*end)
    handles.release()
    return handles.box


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((20, 20), (24.6, 13), CropBox(15, 3, 20, 20)),
        ((20, 20), (-90, 90), CropBox(0, 20, 20, 20)),
        ((30, 30), (36, 33), CropBox(10, 10, 26, 26)),
        ((10, 10), (14, 15), CropBox(14, 14, 16, 16)),
        ((30, 10), (25, 14), CropBox(10, 14, 16, 16)),
        ((30, 20), (34, 29), CropBox(10, 8, 24, 24)),
        ((20, 10), (20, 6), CropBox(8, 6, 24, 24)),
        ((30, 30), (99, 99), CropBox(10, 10, 30, 30)),
        ((30, 30), (-99, -99), CropBox(10, 10, 4, 4)),
        ((30, 20), (99, 20), CropBox(10, 0, 40, 40)),
    ],
)
def test_a_drag_moves_or_resizes(
    start: tuple[float, float], end: tuple[float, float], expected: CropBox
) -> None:
    assert dragged(CropHandles(CropBox(10, 10, 20, 20), (8, 8), IMAGE), start, end) == expected


@pytest.mark.parametrize("model_input", [(8, 12), (12, 8), (7, 5)])
@pytest.mark.parametrize("handle", [(x, y) for x in (0, 1, 2) for y in (0, 1, 2)])
def test_every_handle_keeps_a_crop_that_the_network_takes(
    model_input: tuple[int, int], handle: Handle
) -> None:
    crop = CropBox.around((30, 20), (12, 18), model_input, IMAGE)
    start = crop.left + crop.width * handle[0] / 2, crop.top + crop.height * handle[1] / 2
    for away in ((3, 2), (-5, 1), (50, 60), (-70, -40), (0, -3)):
        box = dragged(
            CropHandles(crop, model_input, IMAGE), start, (start[0] + away[0], start[1] + away[1])
        )
        box.check(IMAGE[::-1], model_input)


def test_a_cancelled_drag_leaves_the_crop_and_what_is_outside_holds_nothing() -> None:
    handles = CropHandles(CropBox(10, 10, 20, 20), (8, 8), IMAGE)
    assert handles.hold(20, 20, reach=2)
    handles.drag(25, 20)
    handles.cancel()
    assert handles.release() is None
    assert handles.box == handles.crop
    assert not handles.hold(50, 20, reach=2)
    handles.step(10, 0)
    handles.step(0, -1)
    assert handles.release() == CropBox(20, 9, 20, 20)


@pytest.mark.parametrize(
    ("operation", "moved"),
    [
        (Rotate(90), CropBox(10, 8, 21, 14)),
        (Rotate(-90), CropBox(10, 12, 21, 14)),
        (Rotate(180), CropBox(8, 10, 21, 14)),
        (Flip("horizontal"), CropBox(8, 10, 21, 14)),
        (Flip("vertical"), CropBox(12, 10, 21, 14)),
    ],
)
def test_what_is_moved_in_a_view_moves_along_in_the_opened_image(
    operation: Operation, moved: CropBox
) -> None:
    row, crop = Row(1, operations=(operation,)), CropBox(10, 10, 21, 14)
    seen = crop_of(crop, row, *IMAGE)
    assert in_opened_image(seen, row, *IMAGE, crop) == crop
    there = seen._replace(left=seen.left + 2)
    assert in_opened_image(there, row, *IMAGE, crop) == moved

"""Agreement of maps: by hand, and by what turning an image does to it."""

import numpy as np
import pytest

from pda_studio.document.operations import Crop, Flip, Rotate, applied, placed
from pda_studio.errors import UsageError
from pda_studio.metrics.agreement import agreement, turned_back

VARIANTS = [
    (Rotate(90),),
    (Rotate(180), Flip("vertical")),
    (Flip("horizontal"), Rotate(-90)),
    (Crop(3, 5, 12, 9), Rotate(90)),
]


@pytest.mark.parametrize("operations", VARIANTS, ids=str)
def test_a_map_that_moves_with_the_image_comes_back_as_it_was(operations) -> None:
    image = np.random.default_rng(0).integers(0, 256, (21, 17, 3), np.uint8)
    matrix, width, height = placed(operations, 17, 21)
    turned = applied(image, operations)
    assert turned.shape[:2] == (height, width)
    back = turned_back(turned[..., 0].astype(float), matrix, (21, 17))
    shown = np.isfinite(back)
    np.testing.assert_allclose(back[shown], image[..., 0][shown], atol=1e-4)
    assert shown.sum() == width * height


def test_a_point_goes_where_a_small_turn_puts_it() -> None:
    image = np.zeros((101, 101, 3), np.uint8)
    image[30:33, 70:73] = 255
    operations = (Rotate(15), Crop(10, 5, 80, 90))
    matrix, _, _ = placed(operations, 101, 101)
    x, y, _ = matrix @ (71.5, 31.5, 1)
    turned = applied(image, operations)[..., 0].astype(float)
    rows, columns = np.indices(turned.shape) + 0.5
    assert (turned * columns).sum() / turned.sum() == pytest.approx(x, abs=0.05)
    assert (turned * rows).sum() / turned.sum() == pytest.approx(y, abs=0.05)


def test_numbers_of_a_case_worked_by_hand() -> None:
    first = np.arange(100.0).reshape(10, 10)
    other = first.copy()
    other[9, 5:8] = 0  # of the five strongest, 95 to 99, three are others now
    found = agreement(first, other)
    assert found.overlap == pytest.approx(2 / 5)
    assert found.shared == 1
    assert agreement(first, -first).correlation == pytest.approx(-1)
    assert agreement(first, -first).overlap == 1, "strength has no sign"
    half = np.where(np.arange(10) < 5, first, np.nan)
    assert agreement(first, half).shared == 0.5
    assert agreement(first, half).correlation == pytest.approx(1)
    assert np.isnan(agreement(first, np.zeros((10, 10))).correlation)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="different sizes"):
        agreement(np.zeros((3, 3)), np.zeros((4, 4)))
    with pytest.raises(UsageError, match="hardly any"):
        agreement(np.zeros((9, 9)), np.full((9, 9), np.nan))

"""What of a row's view becomes the model input: the crop goes along with the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.document.operations import Crop, placed
from pda_studio.document.workspace import Row
from pda_studio.images.fit import CropBox

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.classifiers import Classifier, Preprocessing


def crop_of(crop: CropBox | None, row: Row, width: int, height: int) -> CropBox | None:
    """Where the opened image's crop lies in a row's view; None for the middle of the view.

    It keeps its size and goes where rotating and flipping put its centre. Another image, and a
    view that is itself cropped, have no part in it.

    Parameters
    ----------
    crop : CropBox, optional
        In the opened image.
    row : Row
        Whose view.
    width, height : int
        Of the row's image, before its operations.
    """
    cropped = any(isinstance(operation, Crop) for operation in row.operations)
    if crop is None or row.image is not None or cropped:
        return None
    if not row.operations:
        return crop
    matrix, new_width, new_height = placed(row.operations, width, height)
    centre = crop.left + crop.width / 2, crop.top + crop.height / 2, 1.0
    x, y, _ = matrix @ centre
    if crop.width > new_width or crop.height > new_height:
        return None
    moved = crop._replace(left=round(x - crop.width / 2), top=round(y - crop.height / 2))
    return moved.within(new_width, new_height)


def in_opened_image(
    box: CropBox, row: Row, width: int, height: int, crop: CropBox | None
) -> CropBox:
    """Where a crop chosen in a row's view lies in the opened image: the way back of `crop_of`.

    Parameters
    ----------
    box : CropBox
        In the row's view.
    row : Row
        Whose view: of the opened image, rotated or flipped.
    width, height : int
        Of the opened image.
    crop : CropBox, optional
        Of the opened image until now: what was not moved stays as it is, to the pixel.
    """
    matrix, new_width, new_height = placed(row.operations, width, height)
    before = crop_of(crop, row, width, height)
    if crop is None or before is None:
        here, there = (new_width / 2, new_height / 2), (width / 2, height / 2)
    else:
        here = before.left + before.width / 2, before.top + before.height / 2
        there = crop.left + crop.width / 2, crop.top + crop.height / 2
    moved = box.left + box.width / 2 - here[0], box.top + box.height / 2 - here[1]
    back = np.linalg.inv(matrix[:2, :2]) @ moved
    left, top = there[0] + back[0] - box.width / 2, there[1] + back[1] - box.height / 2
    return box._replace(left=round(left), top=round(top)).within(width, height)


def preprocessing_of_row(
    preprocessing: Preprocessing, row: Row, width: int, height: int
) -> Preprocessing:
    """The preprocessing of the opened image, for a row's view: see `crop_of`."""
    crop = crop_of(preprocessing.crop, row, width, height)
    if crop == preprocessing.crop:
        return preprocessing
    return preprocessing.model_copy(update={"crop": crop})


def classifier_of_row(classifier: Classifier, row: Row, width: int, height: int) -> Classifier:
    """The classifier of the opened image, for a row's view: see `crop_of`."""
    crop = crop_of(classifier.preprocessing.crop, row, width, height)
    return classifier.with_fit(classifier.preprocessing.fit, crop)

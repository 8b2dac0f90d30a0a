"""What of a row's view becomes the model input: the crop goes along with the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

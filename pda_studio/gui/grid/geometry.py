"""Where the same place of the image lies in every panel, through turning, flipping and cropping.

All maps of points are matrices (3, 3) on (x, y, 1), in pixels from the upper left corner.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPolygonF

from pda_studio.document.model_input import crop_of, preprocessing_of_row
from pda_studio.document.operations import Crop, Matrix, changed, moved, placed
from pda_studio.document.turning import seen
from pda_studio.document.workspace import Column, Row
from pda_studio.gui.grid.crop_handles import CropHandles
from pda_studio.gui.session.session import Session
from pda_studio.images.fit import CropBox, fit_in_words


def input_matrix(session: Session, row: Row, column: Column | None = None) -> Matrix | None:
    """From the row's image, before its operations, to what the network sees; None if unknown.

    Parameters
    ----------
    session : Session
        What is open.
    row : Row
        Whose image.
    column : Column, optional
        Whose network; without it, the open one.
    """
    image = session.work.image_of(row)
    classifier = session.classifier_of(column) if column else session.classifier
    if image is None or classifier is None:
        return None
    height, width = image.image.height, image.image.width
    return seen(classifier.preprocessing, row, width, height)


def between(session: Session, row: Row, column: Column | None = None) -> Matrix:
    """From the first row's input of the open classifier to a panel's input.

    Of another image no point is the same: there the inputs are laid on each other.
    """
    first = session.work.rows[0]
    here, there = input_matrix(session, row, column), input_matrix(session, first)
    if here is None or there is None:
        return np.eye(3)
    if row.image is not None:
        there = input_matrix(session, row.upright)
    return np.eye(3) if there is None else here @ np.linalg.inv(there)


def whole_image(session: Session, row: Row) -> tuple[NDArray[np.uint8], Matrix, QPolygonF] | None:
    """All of a row's image, (H, W, 3), with its operations; None until the network is known.

    Returns
    -------
    tuple, optional
        The image, where points of the first row's input lie in it, and the outline of what the
        network gets.
    """
    image, classifier = session.work.image_of(row), session.classifier
    if image is None or classifier is None:
        return None
    pixels = changed(image.image, row.operations).pixels
    height, width = pixels.shape[:2]
    preprocessing = preprocessing_of_row(
        classifier.preprocessing, row, image.image.width, image.image.height
    )
    frame, (down, across) = (
        preprocessing.frame(width, height),
        preprocessing.view_size(width, height),
    )
    back = moved(frame.left, frame.top) @ np.diag([frame.scale_x, frame.scale_y, 1.0])
    corners = ((0, 0), (across, 0), (across, down), (0, down))
    outline = QPolygonF([QPointF(*moved_point(back, x, y)) for x, y in corners])
    return pixels, back @ between(session, row), outline


def fitted_in_words(session: Session, row: Row) -> str:
    """What of a row's view the network gets; "" for its middle."""
    image, classifier = session.work.image_of(row), session.classifier
    if image is None or classifier is None:
        return ""
    crop = crop_of(classifier.preprocessing.crop, row, *image.size)
    said = fit_in_words(classifier.preprocessing.fit, crop)
    return said[:1].upper() + said[1:]


def crop_handles(session: Session, row: Row) -> CropHandles | None:
    """The crop as a row's whole image shows it; None where the row has no part in it."""
    image, classifier = session.work.image, session.classifier
    cropped = any(isinstance(operation, Crop) for operation in row.operations)
    if image is None or classifier is None or row.image is not None or cropped:
        return None
    preprocessing, size = classifier.preprocessing, (image.image.width, image.image.height)
    _, width, height = placed(row.operations, *size)
    model_input = preprocessing.usual_size
    crop = crop_of(preprocessing.crop, row, *size) if preprocessing.fit == "crop" else None
    if crop is None:
        middle = preprocessing.model_copy(update={"crop": None})
        frame, (down, across) = middle.frame(width, height), middle.view_size(width, height)
        shown, centre = (down * frame.scale_y, across * frame.scale_x), (width / 2, height / 2)
        crop = CropBox.around(centre, shown, model_input, (width, height))
    return CropHandles(crop, model_input, (width, height))


def original_frame(session: Session, row: Row, column: Column) -> Matrix:
    """From a column's input of the unmodified image to its input of the row's variant."""
    here = input_matrix(session, row, column)
    upright = input_matrix(session, row.upright, column)
    if here is None or upright is None:
        return np.eye(3)
    return here @ np.linalg.inv(upright)


def moved_point(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    """Where a matrix puts a point."""
    moved_x, moved_y, _ = matrix @ (x, y, 1.0)
    return float(moved_x), float(moved_y)

"""Transformations of a model input, each with the way back into the original frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from pda_studio.counts import written
from pda_studio.images import View

Kind = Literal["rotations", "flips", "crops", "shifts", "brightness", "noise"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Transformation:
    """What is done to a model input.

    Attributes
    ----------
    name : str
        In a few words.
    matrix : (3, 3) float64
        Where points (x, y, 1) of the original lie in the transformed one, in pixels from the upper
        left corner.
    change : callable, optional
        What is done to its values (H, W, C), from 0 to 1, which stay at their places.
    """

    name: str
    matrix: Matrix
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None

    def of(self, view: View) -> View:
        """The transformed view, of the same size and type; beyond the edge it is mirrored."""
        whole = 255.0 if view.dtype == np.uint8 else 1.0
        values = view.astype(np.float64) / whole
        if self.change is not None:
            values = np.clip(self.change(values), 0, 1)
        else:
            values = warped(values, self.matrix)
        if view.dtype == np.uint8:
            return np.round(255 * values).astype(np.uint8)
        return values.astype(view.dtype)


def warped(values: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Move values (H, W, C) by a matrix; interpolated linearly."""
    height, width, channels = values.shape
    rows, columns = np.indices((height, width)) + 0.5
    points = np.linalg.inv(matrix) @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    places = np.round([points[1] - 0.5, points[0] - 0.5], 9)
    moved = [
        map_coordinates(values[..., one], places, order=1, mode="reflect")
        for one in range(channels)
    ]
    return np.stack(moved, -1).reshape(height, width, channels)


@dataclass(frozen=True)
class Strengths:
    """How strong transformations are.

    Attributes
    ----------
    angle : float
        Of the small rotations, in degrees.
    crop : float
        Share of the sides that a crop leaves.
    shift : float
        Share of the side by which the image is shifted.
    brightness : float
        By what share it becomes brighter, and darker.
    noise : float
        Standard deviation, of the range from black to white.
    seed : int
        Of the noise.
    """

    angle: float = 15.0
    crop: float = 0.8
    shift: float = 0.1
    brightness: float = 0.2
    noise: float = 0.05
    seed: int = 0


def transformations(
    size: tuple[int, int], strengths: Strengths, kinds: tuple[Kind, ...] = KINDS
) -> list[Transformation]:
    """The transformations of these kinds for a model input of this height and width."""
    height, width = size
    right, down = (max(1, round(strengths.shift * side)) for side in (width, height))
    small, kept = strengths.angle, strengths.crop
    corner = _moved(-(1 - kept) * width, -(1 - kept) * height)
    light, sigma = strengths.brightness, strengths.noise

    def noisy(values: NDArray[np.float64]) -> NDArray[np.float64]:
        random = np.random.default_rng(strengths.seed)
        grey = bool(np.ptp(values, axis=-1).max() == 0)  # and stays so
        shape = (*values.shape[:2], 1 if grey else values.shape[2])
        return values + random.normal(0, sigma, shape)

    made: dict[Kind, list[Transformation]] = {
        "rotations": [
            Transformation(f"rotated by {_number(angle)}°", _about_middle(_turned(angle), size))
            for angle in (90.0, 180.0, 270.0, small, -small)
        ],
        "flips": [
            Transformation("flipped left to right", _about_middle(np.diag([-1.0, 1, 1]), size)),
            Transformation("flipped top to bottom", _about_middle(np.diag([1.0, -1, 1]), size)),
        ],
        "crops": [
            Transformation(
                "cropped to its middle", _about_middle(np.diag([1 / kept, 1 / kept, 1.0]), size)
            ),
            Transformation("cropped to its lower right", np.diag([1 / kept] * 2 + [1.0]) @ corner),
        ],
        "shifts": [
            Transformation(f"shifted right by {right} px", _moved(right, 0)),
            Transformation(f"shifted down by {down} px", _moved(0, down)),
        ],
        "brightness": [
            Transformation(
                f"{_number(100 * light)} % brighter", np.eye(3), lambda v: v * (1 + light)
            ),
            Transformation(
                f"{_number(100 * light)} % darker", np.eye(3), lambda v: v * (1 - light)
            ),
        ],
        "noise": [Transformation(f"noise, σ {_number(100 * sigma)} %", np.eye(3), noisy)],
    }
    return [one for kind in kinds for one in made[kind]]


def _number(value: float) -> str:
    return written(value, "g")


def _moved(right: float, down: float) -> Matrix:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], np.float64)


def _turned(degrees: float) -> Matrix:
    """Counterclockwise, as one sees it: rows run downwards."""
    cosine, sine = (np.round(f(np.deg2rad(degrees)), 12) for f in (np.cos, np.sin))
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float64)


def _about_middle(matrix: Matrix, size: tuple[int, int]) -> Matrix:
    height, width = size
    made: Matrix = _moved(width / 2, height / 2) @ matrix @ _moved(-width / 2, -height / 2)
    return made

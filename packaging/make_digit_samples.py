"""Draw the ten sample digits and write resources/digits/samples/0.png … 9.png.

The digits are PDA Studio's own: each is a few pen strokes, smooth curves through the points
below. They are laid out as MNIST's images are: 28×28 grey pixels, white on black, the longer
side 20 pixels long and the centre of mass in the middle. Run it from anywhere as
``python packaging/make_digit_samples.py``; with ``--sheet FILE`` it also writes an enlarged
image of all ten, to look at.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import CubicSpline
from scipy.ndimage import shift

SAMPLES = Path(__file__).resolve().parent.parent / "resources" / "digits" / "samples"

SIDE = 28
BOX = 20  # the digit's longer side, pen included, in pixels
PEN = 1.25  # the pen's radius in pixels
PRESSURE = 0.13  # how far the radius swings, as a share of it
FINE = 32  # drawing happens this many times finer

# Per digit its strokes, per stroke the points its curve runs through, x to the right and y down,
# in a box of height 1. A stroke that starts where another ends makes a corner there.
# fmt: off
STROKES: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = (
    (
        (
            (0.60, 0.02), (0.40, 0.03), (0.20, 0.22), (0.10, 0.52), (0.16, 0.84), (0.38, 0.99),
            (0.64, 0.92), (0.82, 0.66), (0.86, 0.36), (0.76, 0.11), (0.54, 0.00),
        ),
    ),
    (
        ((0.47, 0.20), (0.55, 0.12), (0.62, 0.00)),
        ((0.62, 0.00), (0.57, 0.34), (0.50, 0.68), (0.41, 1.00)),
    ),
    (
        (
            (0.14, 0.25), (0.26, 0.07), (0.49, 0.00), (0.71, 0.09), (0.74, 0.30), (0.58, 0.56),
            (0.34, 0.80), (0.10, 0.97),
        ),
        ((0.10, 0.97), (0.32, 0.92), (0.60, 0.97), (0.90, 0.93)),
    ),
    (
        ((0.18, 0.12), (0.38, 0.01), (0.62, 0.03), (0.73, 0.18), (0.62, 0.37), (0.38, 0.46)),
        (
            (0.38, 0.46), (0.63, 0.48), (0.79, 0.62), (0.76, 0.82), (0.56, 0.97), (0.30, 0.98),
            (0.09, 0.87),
        ),
    ),
    (
        ((0.30, 0.00), (0.22, 0.20), (0.15, 0.40), (0.10, 0.58)),
        ((0.10, 0.58), (0.36, 0.57), (0.62, 0.54), (0.90, 0.53)),
        ((0.74, 0.05), (0.70, 0.36), (0.65, 0.68), (0.60, 1.00)),
    ),
    (
        ((0.84, 0.00), (0.60, 0.03), (0.36, 0.03)),
        ((0.36, 0.03), (0.31, 0.22), (0.25, 0.42)),
        (
            (0.25, 0.42), (0.48, 0.36), (0.71, 0.44), (0.79, 0.63), (0.70, 0.85), (0.46, 0.98),
            (0.22, 0.98), (0.06, 0.89),
        ),
    ),
    (
        (
            (0.68, 0.00), (0.46, 0.15), (0.27, 0.39), (0.17, 0.66), (0.23, 0.89), (0.44, 1.00),
            (0.67, 0.92), (0.77, 0.74), (0.67, 0.58), (0.47, 0.56), (0.29, 0.68), (0.19, 0.80),
        ),
    ),
    (
        ((0.16, 0.11), (0.36, 0.06), (0.60, 0.06), (0.84, 0.02)),
        ((0.84, 0.02), (0.67, 0.32), (0.53, 0.64), (0.44, 1.00)),
    ),
    (
        (
            (0.77, 0.16), (0.66, 0.03), (0.46, 0.01), (0.30, 0.13), (0.33, 0.31), (0.52, 0.46),
            (0.68, 0.62), (0.70, 0.83), (0.54, 0.98), (0.31, 0.97), (0.19, 0.80), (0.29, 0.62),
            (0.52, 0.47), (0.71, 0.31), (0.78, 0.12),
        ),
    ),
    (
        (
            (0.76, 0.19), (0.62, 0.04), (0.42, 0.03), (0.25, 0.18), (0.26, 0.38), (0.43, 0.47),
            (0.62, 0.39), (0.77, 0.17),
        ),
        ((0.77, 0.17), (0.73, 0.46), (0.67, 0.74), (0.60, 1.00)),
    ),
)
# fmt: on


def curve(points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Return 400 positions, evenly spaced in the pen's time, on the smooth curve."""
    knots = np.array(points)
    lengths = np.hypot(*np.diff(knots, axis=0).T)
    time = np.concatenate([[0.0], np.cumsum(np.sqrt(lengths))])
    return CubicSpline(time, knots, bc_type="natural")(np.linspace(0, time[-1], 400))


def sample(digit: int) -> NDArray[np.uint8]:
    """Return the image of a digit, (28, 28)."""
    strokes = [curve(points) for points in STROKES[digit]]
    ends = np.concatenate(strokes)
    low, high = ends.min(axis=0), ends.max(axis=0)
    scale = (BOX - 2 * PEN * (1 + PRESSURE)) / (high - low).max()
    canvas = np.zeros((SIDE * FINE, SIDE * FINE), np.uint8)
    for number, stroke in enumerate(strokes):
        pixels = ((stroke - (low + high) / 2) * scale + SIDE / 2) * FINE
        # The pen presses now more and now less, differently in every stroke.
        phase = np.linspace(0, 4.5, len(stroke)) + digit + 2 * number
        radii = PEN * (1 + PRESSURE * np.sin(phase)) * FINE
        for (x, y), radius in zip(pixels, radii, strict=True):
            cv2.circle(canvas, (round(x), round(y)), round(radius), 255, thickness=-1)
    grey = canvas.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    rows, columns = np.indices(grey.shape)
    mass = np.array([(rows * grey).sum(), (columns * grey).sum()]) / grey.sum()
    # Whole pixels, as in MNIST: a fraction of one would blur the strokes.
    moved = shift(grey, np.round((SIDE - 1) / 2 - mass), order=0)
    return np.round(moved).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the ten sample digits.")
    parser.add_argument("--sheet", type=Path, help="also write an enlarged image of all ten")
    sheet: Path | None = parser.parse_args().sheet

    SAMPLES.mkdir(parents=True, exist_ok=True)
    images = [sample(digit) for digit in range(10)]
    for digit, image in enumerate(images):
        Image.fromarray(image).save(SAMPLES / f"{digit}.png", optimize=True)
    print(f"Wrote ten images of {SIDE}×{SIDE} pixels into {SAMPLES.name}.")
    if sheet is not None:
        together = np.vstack([np.hstack(images[:5]), np.hstack(images[5:])])
        Image.fromarray(np.kron(together, np.ones((8, 8), np.uint8))).save(sheet)


if __name__ == "__main__":
    main()

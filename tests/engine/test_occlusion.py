"""Occlusion against Captum's: grey, blurred, and painted over by OpenCV."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from numpy.typing import NDArray

from engine.conftest import LANGUR, Open
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.results import Subject

Pixels = NDArray[np.float32]


def grey(pixels: Pixels, window: int) -> Pixels:
    return np.full_like(pixels, 0.5)


def blur(pixels: Pixels, window: int) -> Pixels:
    return cv2.GaussianBlur(pixels, (0, 0), window / 2, borderType=cv2.BORDER_REFLECT)


def painted(flag: int) -> Callable[[Pixels, int], Pixels]:
    """Every window painted over by itself, all others as they are; for windows side by side."""

    def paint(pixels: Pixels, window: int) -> Pixels:
        image = np.rint(pixels * 255).astype(np.uint8)
        result = np.empty_like(pixels)
        for top in range(0, len(pixels), window):
            for left in range(0, len(pixels), window):
                inside = np.s_[top : top + window, left : left + window]
                mask = np.zeros(pixels.shape[:2], np.uint8)
                mask[inside] = 1
                result[inside] = cv2.inpaint(image, mask, 3, flag)[inside] / 255
        return result

    return paint


@pytest.mark.parametrize(
    ("infill", "stands_in", "stride"),
    [
        ("grey", grey, 4),
        ("grey", grey, 5),
        ("blur", blur, 5),
        ("inpaint-telea", painted(cv2.INPAINT_TELEA), 8),
        ("inpaint-navier-stokes", painted(cv2.INPAINT_NS), 8),
    ],
)
def test_as_captum_does_it(
    infill: str,
    stands_in: Callable[[Pixels, int], Pixels],
    stride: int,
    small_squeezenet: Classifier,
    image: Open,
) -> None:
    classifier, window = small_squeezenet, 8
    subject = Subject.of(np.asarray(image(LANGUR)), classifier)
    options = {"window": window, "stride": stride, "infill": infill, "precision": "float32"}
    found = explain(np.asarray(image(LANGUR)), classifier, "occlusion", **options)

    pixels = classifier.preprocessing.pixels(subject.view)
    other = stands_in(pixels.permute(1, 2, 0).numpy(), window)
    baseline = classifier.prepare(torch.from_numpy(other).permute(2, 0, 1)[None])
    with torch.no_grad():
        occlusion = Occlusion(lambda x: torch.softmax(classifier.network(x).double(), 1))
        wanted = occlusion.attribute(
            classifier.prepare(pixels[None]),
            sliding_window_shapes=(3, window, window),
            strides=(3, stride, stride),
            baselines=baseline,
            target=subject.index,
            perturbations_per_eval=32,
        )
    difference = np.abs(found.evidence - wanted[0, 0].numpy()).max()
    assert np.abs(found.evidence).max() > 1e-3
    assert difference <= 1e-4 * np.abs(found.evidence).max()

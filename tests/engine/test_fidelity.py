"""Fidelity, on a network whose scores are plain sums of pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.test_relevance import noise_image
from engine.toys import classifier_of
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.metrics.fidelity import fidelity, most_relevant
from pda_studio.results import EvidenceMap

CLASSES = 8


@pytest.fixture
def rows() -> Classifier:
    """Class c scores the sum of row c of the first colour."""
    network = nn.Sequential(nn.Conv2d(3, CLASSES, 8, bias=False), nn.Flatten())
    with torch.no_grad():
        network[0].weight.zero_()  # type: ignore[union-attr, operator]
        for index in range(CLASSES):
            network[0].weight[index, 0, index] = 1  # type: ignore[index]
    return classifier_of(network, classes=CLASSES)


def bright(rows: Classifier) -> EvidenceMap:
    """Rows of 8, 7, … 1 white pixels in black; relevant are rows 4 to 7."""
    view = np.zeros((8, 8, 3), np.uint8)
    for index in range(8):
        view[index, : 8 - index] = 255
    evidence = np.repeat(np.arange(8, dtype=np.float32)[:, None], 8, 1)
    return explain(view, rows, "piecewise-affine", 0).replace(evidence=evidence)


def test_the_rest_is_zero_for_the_network(rows: Classifier) -> None:
    found = fidelity(bright(rows), rows, share=0.5, top=5)
    assert found.kept == 0.5
    assert found.before == (0, 1, 2, 3, 4)
    # The rows that are taken out score 0 now, kept ones 2 for each white and −2 for each black.
    assert found.after[0] in range(4)
    assert set(found.after) == {0, 1, 2, 3, 4}
    # Of rows 6 and 7 little is white; all others score 0, row 6 −8.
    few = fidelity(bright(rows), rows, share=0.25, top=2)
    assert not set(few.after) & {6, 7}
    upside_down = bright(rows).replace(evidence=-bright(rows).evidence)
    assert fidelity(upside_down, rows, share=0.25, top=2).after == (0, 1)
    assert fidelity(upside_down, rows, share=0.25, top=2).overlap == 1


def test_overlap_counts_what_is_the_same(rows: Classifier) -> None:
    black = bright(rows).replace(
        evidence=np.repeat(np.eye(8, dtype=np.float32)[0][:, None], 8, 1)[::-1].copy()
    )
    found = fidelity(black, rows, share=1 / 8, top=4)  # keeps the darkest row, 7, which scores −12
    assert 7 not in found.after
    assert found.overlap == len(set(found.before) & set(found.after)) / 4
    assert fidelity(black, rows, share=1, top=7).before == fidelity(black, rows, 1, 7).after


def test_all_pixels_change_nothing_and_none_leave_the_mean_colour(digits: Classifier) -> None:
    found = explain(noise_image(28), digits, "piecewise-affine")
    whole = fidelity(found, digits, share=1)
    assert whole.before == whole.after
    assert whole.overlap == 1
    assert whole.before[0] == found.probabilities.argmax()
    nothing = digits.logits(torch.zeros(1, 1, 28, 28))[0].topk(5).indices.tolist()
    assert list(fidelity(found, digits, share=0).after) == nothing


def test_most_relevant_are_the_most_positive() -> None:
    evidence = np.array([[3.0, -9.0, 1.0], [0.0, 2.0, 2.0]], np.float32)
    assert most_relevant(evidence, 0.5).tolist() == [[True, False, False], [False, True, True]]
    assert most_relevant(np.zeros((10, 10), np.float32), 0.3).sum() == 30


def test_what_cannot_be_compared_is_refused(rows: Classifier) -> None:
    with pytest.raises(UsageError, match="from 0 to 1, not 30"):
        fidelity(bright(rows), rows, share=30)
    with pytest.raises(UsageError, match="8 classes: the likeliest 8 cannot"):
        fidelity(bright(rows), rows, top=8)
    larger = replace(
        rows, preprocessing=rows.preprocessing.model_copy(update={"size": (9, 9), "resize": 9})
    )
    with pytest.raises(UsageError, match="not of the size that toy sees"):
        fidelity(bright(rows), larger)

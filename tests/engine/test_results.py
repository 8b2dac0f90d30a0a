"""What methods find: maps and made images, each with diagnostics of its own."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from engine.toys import classifier_of
from pda_studio import diagnostics, explain
from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import (
    Approximation,
    Ascent,
    AttentionLayers,
    BiasShare,
    Completeness,
    Conservation,
    MaskCount,
    MeanOf,
    NeuronCount,
    Note,
    ReadAt,
    ShippedStatistics,
    WholeNetwork,
)
from pda_studio.errors import UsageError
from pda_studio.figures import save_panel
from pda_studio.results import EvidenceMap, MadeImage, map_in
from pda_studio.store import load_map, save_map

Digit = Callable[[int], NDArray[np.uint8]]

EACH = [
    WholeNetwork("it branches"),
    Approximation(0.048, 0.065),
    Completeness(4.5, 4.0),
    Conservation(0.5, 2.0),
    ShippedStatistics("photographs", "a grey image"),
    ReadAt("features.9", 13, 13),
    BiasShare(4.0, 1.0),
    AttentionLayers(12, 16),
    MaskCount(40),
    MeanOf(("a", "b"), "c is left out"),
    NeuronCount(6, 2),
    Ascent("logit", -1.0, 8.0, 10, 0.995),
    Note("as it was told"),
]


@pytest.mark.parametrize("one", EACH, ids=lambda one: one.kind)
def test_each_diagnostic_survives_its_json(one: diagnostics.Diagnostic) -> None:
    text = json.dumps(diagnostics.as_json((one, one)))
    assert diagnostics.from_json(json.loads(text)) == (one, one)


def test_no_kind_is_forgotten_here() -> None:
    assert {type(one) for one in EACH} == set(diagnostics.Diagnostic.__args__)
    assert len({one.kind for one in EACH}) == len(EACH)


@pytest.mark.parametrize(
    "values", [[{"kind": "magic"}], [{}], {"kind": "masks"}, "x", [{"kind": "masks", "count": "x"}]]
)
def test_what_is_no_diagnostic_is_refused(values: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        diagnostics.from_json(values)


def test_sentences_of_diagnostics() -> None:
    assert [str(one) for one in EACH] == [
        "",
        "± 4.8 % of the rms evidence",
        "completeness error 12 %",
        "conservation error 75 %: the map sums to 0.5, the logit is 2",
        "infills follow the statistics of photographs, this is a grey image: make those of your"
        " images with fit-statistics",
        "at features.9, maps of 13×13",
        "3 of 4, bias 1",
        "12 layers, patches of 16 pixels",
        "40 masks",
        "mean of a, b; c is left out",
        "6 neurons, 2 of them driven by nothing",
        "logit from -1 to 8 in 10 steps, probability 99.5 %",
        "as it was told",
    ]
    assert Completeness(0.1, 0.0).error == 0
    assert str(Conservation(0.0, 0.0)) == "nothing to share out: the logit is 0"


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("lrp-epsilon", Conservation, {}),
        ("integrated-gradients", Completeness, {"points": 5}),
        ("grad-cam", ReadAt, {}),
        ("rise", MaskCount, {"masks": 20}),
        ("consensus", MeanOf, {"rounds": 0}),
        ("piecewise-affine", BiasShare, {}),
        ("activation-maximisation", Ascent, {"climb": 3}),
    ],
)
def test_methods_tell_numbers_and_files_keep_them(
    name: str,
    kind: type,
    options: dict[str, object],
    digits: Classifier,
    digit_image: Digit,
    tmp_path: Path,
) -> None:
    found = explain(digit_image(7), digits, name, **options)
    (told,) = [one for one in found.diagnostics if isinstance(one, kind)]
    assert str(told) in found.how
    assert getattr(found, "forward", "") == "", "only windows are scored by a forward"
    save_map(found, tmp_path / "one.npz")
    again = load_map(tmp_path / "one.npz")
    assert type(again) is type(found)
    assert again.diagnostics == found.diagnostics
    if isinstance(told, Conservation):
        assert told.relevance == pytest.approx(float(found.evidence.sum()), rel=1e-3)
    if isinstance(told, Completeness):
        assert told.total == pytest.approx(float(found.evidence.sum()), rel=1e-3)


def test_a_made_image_is_no_map(digits: Classifier, digit_image: Digit, tmp_path: Path) -> None:
    made = explain(digit_image(1), digits, "activation-maximisation", climb=3)
    assert isinstance(made, MadeImage)
    assert not isinstance(made, EvidenceMap)
    assert made.complete
    assert not made.image.flags.writeable
    save_map(made, tmp_path / "made.npz")
    with np.load(tmp_path / "made.npz", allow_pickle=False) as arrays:
        assert "evidence" not in arrays
        np.testing.assert_array_equal(arrays["picture"], made.image)
    again = load_map(tmp_path / "made.npz")
    np.testing.assert_array_equal(again.image, made.image)
    save_map(replace(made, finished=False), tmp_path / "unfinished.npz")
    assert not load_map(tmp_path / "unfinished.npz").complete
    with pytest.raises(UsageError, match="Activation maximisation makes an image, which has no"):
        map_in(made)
    whole = explain(digit_image(1), digits, "saliency")
    assert map_in(whole) is whole
    save_panel([whole, made], tmp_path / "both.png")


class Branching(nn.Module):
    """What torch.fx cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = nn.functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 2).flatten(1)
        result: torch.Tensor = self.linear(means if means.sum() > 0 else means + 1)
        return result


def test_why_the_whole_network_runs_is_told_as_a_value() -> None:
    slow = classifier_of(Branching(), size=16, classes=2)
    image = np.full((16, 16, 3), 200, np.uint8)
    found = explain(image, slow, window=8, outer=12, stride=8, infill="grey")
    (told,) = found.diagnostics
    assert isinstance(told, WholeNetwork)
    assert told.reason.startswith("toy cannot be followed operation by operation")
    assert found.forward == f"full ({told.reason})" == found.how
    quick = explain(image, slow, window=8, outer=12, stride=8, infill="grey", forward="full")
    assert quick.diagnostics == (), "it is what was wanted"

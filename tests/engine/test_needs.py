"""Which methods a classifier allows, told before one is tried; and the same when it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from engine.network_files import FILES, Small
from engine.toys import classifier_of, small_transformer
from pda_studio import explain, load_classifier, unusable_methods
from pda_studio.attribution.needs import lacking
from pda_studio.classifiers import Classifier
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.methods import METHODS
from pda_studio.methods.base import Need

ONLY_RUN = {
    "lime",
    "kernel-shap",
    "efficient-pda",
    "original-pda",
    "sampled-pda",
    "occlusion",
    "multiscale-pda",
    "rise",
}
"""Methods that need nothing but a network's answers."""


class Changed(nn.Module):
    """A network whose answers pass something before they come out."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network, self.change = Small(), change

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.change(self.network(x))


def image(size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)


def test_every_need_is_looked_for(digits: Classifier) -> None:
    declared = {need for kind in METHODS.values() for need in kind.needs}
    assert declared == set(get_args(Need))
    for need in declared:
        assert isinstance(lacking(need, digits), str)
    assert {name for name, kind in METHODS.items() if not kind.needs} == ONLY_RUN


def test_what_networks_allow(digits: Classifier) -> None:
    assert set(unusable_methods(digits)) == {"attention-rollout", "attn-lrp", "patch-pda"}
    left = set(METHODS) - set(unusable_methods(small_transformer()))
    assert left >= ONLY_RUN | {
        "saliency",
        "grad-cam",
        "layer-cam",
        "attention-rollout",
        "attn-lrp",
        "patch-pda",
    }
    assert not left & {"lrp-epsilon", "deconvnet", "guided-grad-cam", "neurons"}


def test_a_reason_is_what_the_method_says_when_it_is_tried() -> None:
    classifier = small_transformer()
    reasons = unusable_methods(classifier)
    for name, reason in reasons.items():
        assert reason.count(".") == 1 + reason.count("encoder.layers") * 3, reason
        with pytest.raises(UsageError) as caught:
            explain(image(), classifier, name)
        tail = reason.split(" ", 2)[2]  # but for the method's name
        assert str(caught.value).endswith(tail[-40:])


@pytest.mark.parametrize(
    "change", [lambda z: z.detach(), lambda z: (100 * z).round() / 100, lambda z: z.int().float()]
)
def test_a_network_without_gradients_leaves_what_only_runs_it(
    change: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    classifier = classifier_of(Changed(change), size=32)
    reasons = unusable_methods(classifier)
    assert set(METHODS) - set(reasons) == ONLY_RUN | {"neurons"}  # which goes back by itself
    assert explain(image(), classifier, "neurons", inputs=2, top=1).complete
    assert reasons["saliency"].startswith("Saliency needs gradients, and ")
    assert "such as efficient-pda." in reasons["saliency"]
    assert explain(image(), classifier, "occlusion", stride=8, window=8).complete
    if "round" not in change.__code__.co_names:
        for name in ("saliency", "hires-cam", "integrated-gradients", "simplified-pda"):
            with pytest.raises(UsageError, match=r"gradient|first order"):
                explain(image(), classifier, name)


@pytest.mark.parametrize("what", ["TorchScript, traced", "ONNX of any batch"])
def test_networks_of_one_piece(what: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx2pytorch")
    name, make, save, _ = FILES[what]
    save(make().eval(), tmp_path / name)
    given = {"preprocessing": {"input_size": 32, "mean": (0.5,), "std": (0.25,)}}
    classifier = load_classifier(tmp_path / name, **given)
    reasons = unusable_methods(classifier)
    assert not set(reasons) & (ONLY_RUN | {"saliency", "smooth-grad", "consensus"})
    assert set(reasons) >= {"lrp-epsilon", "deconvnet", "neurons", "attention-rollout"}
    assert ("grad-cam" in reasons) is ("ONNX" not in what)
    for method in ("layer-cam", "guided-backpropagation"):
        if method in reasons:
            with pytest.raises(PdaStudioError):
                explain(image(), classifier, method)
        else:
            assert explain(image(), classifier, method).complete


def test_a_network_that_raises_anything_keeps_its_methods() -> None:
    def broken(z: torch.Tensor) -> torch.Tensor:
        raise KeyError("anything")

    assert lacking("gradients", classifier_of(Changed(broken), size=32)) == ""


def test_the_command_line_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--classifier", "digits", "--json"]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(told) == list(METHODS)
    refused = [name for name, one in told.items() if not one["usable"]]
    assert refused == ["attention-rollout", "attn-lrp", "patch-pda"]
    assert "has no attention" in told["attention-rollout"]["reason"]
    assert told["guided-grad-cam"]["needs"] == ["gradients", "maps", "relus"]
    assert main(["methods", "--classifier", "digits"]) == 0
    text = capsys.readouterr().out
    usable, others = text.split("NOT FOR THIS CLASSIFIER")
    assert "saliency: Saliency" in usable
    assert "attention-rollout: Attention rollout\n    Attention rollout follows" in others

"""Somebody's own network is left as it is, and what would spoil its maps is told or refused."""

import logging
import threading

import numpy as np
import pytest
import torch
from torch import nn

from pda_studio import explain
from pda_studio.classifiers import Classifier, Preprocessing
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.targets import ContrastTarget

PARAMETERS = {"window": 4, "outer": 6, "stride": 4, "infill": "grey", "batch": 9}
IMAGE = np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8)


class Own(nn.Module):
    """A small network with batch normalisation and dropout that answers as it is told to."""

    def __init__(self, answer=lambda self, x: self.body(x)):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)),
        )
        self.answer = answer

    def forward(self, x):
        return self.answer(self, x)


def classifier_of(network, classes="abc"):
    return Classifier(
        name="own",
        network=network,
        preprocessing=Preprocessing(resize=12, size=12, mean=(0.5,) * 3, std=(0.25,) * 3),
        class_names=tuple(classes),
        device=torch.device("cpu"),
        weights="mine",
    )


def evidence(network, **more):
    return explain(IMAGE, classifier_of(network), "occlusion", **{**PARAMETERS, **more}).evidence


@pytest.mark.parametrize("part", ["all", "dropout"])
def test_a_network_in_train_mode_is_left_as_it_is(caplog, part):
    network = Own().eval()
    right = evidence(network)
    (network if part == "all" else network.body[3]).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    with caplog.at_level(logging.WARNING):
        found = evidence(network)
    np.testing.assert_array_equal(found, right)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert caplog.text.count("own is in train mode") == 1
    assert caplog.text.count("differently") == 0


def test_the_copy_of_a_network_in_train_mode_shares_its_weights():
    network = Own().train()
    classifier = classifier_of(network)
    assert classifier.network is not network
    for mine, its in zip(
        network.state_dict(keep_vars=True).values(),
        classifier.network.state_dict(keep_vars=True).values(),
        strict=True,
    ):
        assert mine is its
    evaluated = network.eval()
    assert classifier_of(evaluated).network is evaluated


def test_a_network_in_train_mode_that_cannot_be_copied_is_refused():
    network = Own().train()
    network.lock = threading.Lock()
    with pytest.raises(UsageError, match=r"call network\.eval\(\) first\.$"):
        classifier_of(network)


@pytest.mark.parametrize("method", ["occlusion", "saliency", "efficient-pda"])
@pytest.mark.parametrize(
    "answer",
    [lambda self, x: self.body(x.mul_(2.0)), lambda self, x: self.body(torch.relu_(x))],
    ids=["mul_", "relu_"],
)
def test_a_network_that_writes_into_its_input_is_refused(method, answer):
    with pytest.raises(PdaStudioError, match=r"writes into its own input.*x = x\.clone\(\)\.$"):
        explain(IMAGE, classifier_of(Own(answer).eval()), method)
    kept = Own(lambda self, x: answer(self, x.clone())).eval()
    assert evidence(kept).any(), "the remedy is one"


def test_a_network_that_never_rests_is_told_once(caplog):
    restless = Own(lambda self, x: self.body(nn.functional.dropout(x, 0.5, True))).eval()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            evidence(restless)
        evidence(Own().eval())
    assert caplog.text.count("answers differently each time") == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("answer", "classes", "message"),
    [
        (lambda self, x: (self.body(x), x), "abc", "answers with a tuple"),
        (lambda self, x: {"logits": self.body(x)}, "abc", "answers with a dict"),
        (lambda self, x: self.body(x)[0], "abc", r"a tensor of the shape \(3,\)"),
        (lambda self, x: self.body(x)[:, :, None], "abc", r"a tensor of the shape \(1, 3, 1\)"),
        (lambda self, x: self.body(x), "abcd", "3 outputs, but 4 class names"),
        (lambda self, x: self.body(x), "ab", "3 outputs, but 2 class names"),
    ],
)
def test_other_answers_than_one_row_of_outputs_are_refused(answer, classes, message):
    classifier = classifier_of(Own(answer).eval(), classes)
    with pytest.raises(PdaStudioError, match=message):
        explain(IMAGE, classifier, "occlusion", **PARAMETERS)


def test_a_network_is_run_once_more_in_all_and_goes_on_learning():
    runs = []
    network = Own(lambda self, x: runs.append(len(x)) or self.body(x)).eval()
    classifier = classifier_of(network)
    view = classifier.preprocessing.view(IMAGE)
    for _ in range(3):
        classifier.predict(view)
    assert runs == [1, 2, 1, 1], "the second time with another image beside it"
    evidence(network, target=ContrastTarget(0, 1))
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not network.training

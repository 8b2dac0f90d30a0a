"""The store of maps: one law, the method's, says what answers what, in memory and on the disk."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pda_studio import load_classifier
from pda_studio.classifiers import Classifier
from pda_studio.document.operations import Flip
from pda_studio.gui.maps.requests import Request
from pda_studio.methods import method_named, run
from pda_studio.results import Subject
from pda_studio.store import CacheEntry, DiskCache, MapStore
from pda_studio.store.network_code import network_code


@pytest.fixture(scope="module")
def digits() -> Classifier:
    """The built-in classifier."""
    return load_classifier("digits")


@pytest.fixture(scope="module")
def subject(digits: Classifier) -> Subject:
    """A drawn 1, as `digits` sees it."""
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, 12:16] = 255
    return Subject.of(pixels, digits)


def wanted(subject: Subject, name: str = "occlusion", operations=(), **values):  # type: ignore[no-untyped-def]
    """A request with its method and subject."""
    subject = subject.about(values.pop("target", subject.index))
    method = method_named(name).create(**{"window": 8, "stride": 4, **values})
    request = Request(
        image="image",
        classifier=subject.classifier.fingerprint,
        operations=operations,
        method=method,
        target=subject.target,
    )
    return request, method, subject


CHANGES = [
    {},
    {"target": 5},
    {"difference": "logit"},
    {"stride": 8},
    {"stride": 8, "target": 3, "difference": "log-odds"},
    {"samples": 99},
    {"stride": 2},
    {"stride": 3},
    {"window": 6},
    {"infill": "blur"},
    {"name": "efficient-pda"},
    {"name": "simplified-pda"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_memory_and_disk_say_the_same(subject: Subject, changes: dict[str, object]) -> None:
    kept = wanted(subject)
    made = run(kept[1].steps(kept[2]))
    memory = MapStore()
    memory.put(kept[0], made, *kept[1:])
    assert DiskCache().keep(CacheEntry.of(*kept[1:]), made)
    request = wanted(subject, **changes)
    in_memory, on_disk = memory.find(*request), MapStore().read(*request[1:])
    assert (in_memory is None) == (on_disk is None)
    answered = changes in ({}, {"target": 5}, {"difference": "logit"}, {"samples": 99}) or (
        changes.get("stride") == 8
    )
    assert (in_memory is not None) == answered
    if in_memory is not None and on_disk is not None:
        exact = run(request[1].steps(request[2]))
        np.testing.assert_allclose(in_memory.evidence, exact.evidence, atol=1e-5)
        np.testing.assert_array_equal(in_memory.evidence, on_disk.evidence)
        assert in_memory.parameters == exact.parameters


def test_another_view_of_the_image_is_another_map(subject: Subject) -> None:
    kept, other = wanted(subject), wanted(subject, operations=(Flip("horizontal"),), target=5)
    store = MapStore()
    store.put(kept[0], run(kept[1].steps(kept[2])), *kept[1:])
    assert store.find(*other) is None


def test_a_map_of_an_unlikely_class_answers_for_the_likely_ones(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pda_studio.results.KEPT_CLASSES", 3)
    order = subject.probabilities.argsort()
    last, other, second = (int(order[at]) for at in (0, 1, -2))
    kept, store = wanted(subject, target=last), MapStore()
    store.put(kept[0], run(kept[1].steps(kept[2])), *kept[1:])
    assert store.find(*wanted(subject, target=second)) is not None
    assert store.find(*wanted(subject, target=subject.index)) is not None
    assert store.find(*wanted(subject, target=other)) is None


def test_the_least_recently_used_go_first(subject: Subject) -> None:
    one, two, three = (wanted(subject, window=at) for at in (8, 7, 6))
    maps = [run(each[1].steps(each[2])) for each in (one, two, three)]
    bytes_of_two = 2 * 28 * 28 * 4 + sum(
        each.scores.probability.nbytes + each.scores.logit.nbytes for each in maps[:2]
    )
    store = MapStore(limit=int(1.2 * bytes_of_two))
    store.put(one[0], maps[0], *one[1:])
    store.put(two[0], maps[1], *two[1:])
    assert store.find(*one) is maps[0]
    store.put(three[0], maps[2], *three[1:])
    assert store.find(*two) is None
    assert store.find(*wanted(subject, window=7, target=5)) is None, "nor is it drawn from"
    assert store.find(*one) is maps[0]


def test_the_disk_is_searched_once(subject: Subject) -> None:
    request, method, of = wanted(subject)
    store = MapStore()
    assert not store.missing(request)
    assert store.to_be_read(request)
    assert not store.to_be_read(request), "it is being read"
    assert not store.missing(request)
    store.was_read(request, method, of, None)
    assert store.missing(request)
    assert not store.to_be_read(request)
    store.keep_only(set())
    assert store.to_be_read(request), "a later request is looked for anew"


# Networks that differ in nothing but what they do with their weights


class Net(nn.Module):
    """Weights, and a forward pass that a subclass changes."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score a batch (N, 3, H, W)."""
        return self.layer(x.mean((2, 3))) * self.factor


class Squared(Net):
    """The same weights, squared features."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score a batch (N, 3, H, W)."""
        return self.layer(x.mean((2, 3)) ** 2) * self.factor


class Branching(Net):
    """What it does depends on the numbers: it cannot be traced."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score a batch (N, 3, H, W)."""
        return self.layer(x.mean((2, 3))) * (self.factor if x.sum() > 0 else 2.0)


def named(kind: type[Net], name: str) -> type[Net]:
    """The class under another's name, so that `repr` cannot tell them apart."""
    return type(name, (kind,), {"__module__": kind.__module__})


def test_what_a_network_does_is_part_of_its_code() -> None:
    torch.manual_seed(0)
    first, other = Net(), named(Squared, "Net")()
    other.load_state_dict(first.state_dict())
    assert repr(first) == repr(other)
    codes = [
        network_code(one.eval()) for one in (first, other, Net(2.0), Branching(), Branching(3.0))
    ]
    assert len(set(codes)) == len(codes)
    assert network_code(Net().eval()) == codes[0], "another of the same kind is the same"
    assert network_code(Branching().eval()) == codes[3]


def test_a_constant_tensor_and_a_buffer_that_is_not_saved_count() -> None:
    def made(value: float, *, buffer: bool) -> nn.Module:
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(3, 2)
                if buffer:
                    self.register_buffer("by", torch.tensor([value]), persistent=False)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                by = self.by if buffer else torch.tensor([value])
                return self.layer(x.mean((2, 3)) * by)

        return Net().eval()

    for buffer in (True, False):
        assert network_code(made(1.0, buffer=buffer)) != network_code(made(2.0, buffer=buffer))
        assert network_code(made(1.0, buffer=buffer)) == network_code(made(1.0, buffer=buffer))


def test_a_network_that_hooks_change_is_not_cached() -> None:
    network = Net().eval()
    network.layer.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="hooks"):
        network_code(network)


def test_another_forward_pass_finds_no_map_of_the_first(digits: Classifier) -> None:
    """The same weights, name and layers; the second network negates what the first says."""
    kind = type(digits.network)

    def negated(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return -kind.forward(self, x)

    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[4:24, 12:16] = 255
    other_kind = type(kind.__name__, (kind,), {"forward": negated, "__module__": kind.__module__})
    other = load_classifier("digits").network
    other.__class__ = other_kind
    assert repr(other) == repr(digits.network)
    second = replace(digits, network=other)
    assert second.fingerprint == digits.fingerprint
    method = method_named("occlusion").create(window=8, stride=4)
    first = Subject.of(pixels, digits, 1)
    assert DiskCache().keep(CacheEntry.of(method, first), run(method.steps(first)))
    assert DiskCache().find(CacheEntry.of(method, Subject.of(pixels, digits, 1))) is not None
    assert DiskCache().find(CacheEntry.of(method, Subject.of(pixels, second, 1))) is None

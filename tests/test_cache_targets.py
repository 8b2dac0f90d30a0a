"""The target is part of what a map in the cache is found by."""

from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from pda_studio import load_classifier
from pda_studio.classifiers import Classifier
from pda_studio.methods import method_named, run
from pda_studio.results import EvidenceMap, Subject
from pda_studio.store import CacheEntry, DiskCache
from pda_studio.targets import ContrastTarget, Target, UnitTarget

WINDOWS = {"window": 7, "stride": 7, "forward": "full", "precision": "float32"}
DIFFERENT: list[int | Target] = [
    7,
    ContrastTarget(7, 2),
    ContrastTarget(7, 5),
    ContrastTarget(2, 7),
    UnitTarget("conv2", 7),
    UnitTarget("conv2", 7, 2, 5),
    UnitTarget("conv1", 7),
]


def ask(method: str, target: int | Target) -> CacheEntry:
    classifier = load_classifier("digits", device="cpu")
    path = files("pda_studio.resources") / "digits" / "samples" / "4.png"
    with path.open("rb") as file:
        image = np.array(Image.open(file).convert("RGB"))
    made = method_named(method).create(classifier, **(WINDOWS if "pda" in method else {}))
    return CacheEntry.of(made, Subject.of(image, classifier, target, 4))


def stored(asked: CacheEntry) -> EvidenceMap:
    made = run(asked.method.steps(asked.subject))
    assert DiskCache().keep(asked, made)
    return made


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients", "grad-cam", "lrp-epsilon"])
def test_maps_of_several_classes_lie_beside_one_another(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Methods without windows keep a map for each class, and none drives out another."""
    classes = [7, 2, 5]
    wanted = [stored(ask(method, index)) for index in classes]
    assert len({one.evidence.tobytes() for one in wanted}) == len(classes)
    asked, unseen = [ask(method, index) for index in classes], ask(method, 9)

    def forbidden(*_: object) -> None:
        raise AssertionError("a forward pass")

    monkeypatch.setattr(Classifier, "logits", forbidden)
    for question, before in zip(asked, wanted, strict=True):
        found = DiskCache().find(question)
        assert found is not None, question.subject.target
        assert found.evidence_map.target == question.subject.target
        np.testing.assert_array_equal(found.evidence_map.evidence, before.evidence)
    assert DiskCache().find(unseen) is None


@pytest.mark.parametrize("method", ["saliency", "efficient-pda"])
def test_no_target_is_answered_with_the_map_of_another(method: str) -> None:
    questions = [ask(method, target) for target in DIFFERENT]
    wanted = [stored(question) for question in questions]
    assert len({question.keys[0] for question in questions}) == len(DIFFERENT)
    for question, before in zip(questions, wanted, strict=True):
        found = DiskCache().find(question)
        assert found is not None
        np.testing.assert_array_equal(found.evidence_map.evidence, before.evidence)


def test_a_levelled_map_is_redrawn_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the scores in the cache, for another class: without a forward pass."""
    monkeypatch.setitem(WINDOWS, "window", 6)
    monkeypatch.setitem(WINDOWS, "stride", 2)
    monkeypatch.setitem(WINDOWS, "forward", "levelled")
    monkeypatch.setitem(WINDOWS, "infill", "conditional-samples")
    monkeypatch.setitem(WINDOWS, "samples", 4)
    made = stored(ask("efficient-pda", 4))
    assert made.approximation_error is not None
    asked = ask("efficient-pda", 7)

    def forbidden(*_: object) -> None:
        raise AssertionError("a forward pass")

    monkeypatch.setattr(Classifier, "logits", forbidden)
    found = DiskCache().find(asked)
    assert found is not None
    assert found.evidence_map.target == asked.subject.target
    assert isinstance(found.evidence_map, EvidenceMap)
    assert found.evidence_map.approximation_error is not None
    assert not np.array_equal(found.evidence_map.evidence, made.evidence)

"""Finished maps are found again by what they were made of, and by nothing else."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pda_studio.store.disk as map_cache
from pda_studio import explain, load_classifier
from pda_studio.classifiers import Classifier
from pda_studio.methods import METHODS, method_named, run
from pda_studio.pda.infill.fitting import fit_stationary, save_statistics
from pda_studio.results import EvidenceMap, Subject
from pda_studio.store import CacheEntry, DiskCache
from pda_studio.store.disk import code_of


@pytest.fixture(scope="module")
def digits():
    return load_classifier("digits", device="cpu")


@pytest.fixture(scope="module")
def view():
    with (files("pda_studio.resources") / "digits" / "samples" / "4.png").open("rb") as file:
        return np.array(Image.open(file).convert("RGB"))


@pytest.fixture
def ask(digits, view):
    """Ask about a digit; whatever is not said is the same every time."""

    def asked(*, method="efficient-pda", classifier=digits, view=view, target=None, batch=None,
              **values):  # fmt: skip
        values = {"stride": 4, **values} if "stride" in METHODS[method].model_fields else values
        if "precision" in METHODS[method].model_fields:
            values = {"precision": "float32", **values}  # rounding hides no other difference
        made = method_named(method).create(classifier, **values)
        return CacheEntry.of(made, Subject.of(view, classifier, target, batch))

    return asked


def computed(asked):
    return run(asked.method.steps(asked.subject))


def stored(asked, cache=None):
    evidence_map = computed(asked)
    assert (cache or DiskCache()).keep(asked, evidence_map)
    return evidence_map


@pytest.fixture
def no_passes(monkeypatch):
    """From when it is called, nothing may ask the network."""

    def forbid():
        def logits(*_):
            raise AssertionError("a forward pass")

        monkeypatch.setattr(Classifier, "logits", logits)

    return forbid


def same(found: EvidenceMap, wanted: EvidenceMap):
    # Where both were computed, their batches differ, and with them the last digits.
    tolerance = {"rtol": 1e-5, "atol": 1e-5 * wanted.limit}
    np.testing.assert_allclose(found.evidence, wanted.evidence, **tolerance)
    if wanted.standard_error is None:
        assert found.standard_error is None
    else:
        np.testing.assert_allclose(found.standard_error, wanted.standard_error, **tolerance)
    told = ("target", "target_name", "unit", "parameters", "method", "title", "classifier")
    for name in (*told, "weights", "fingerprint"):
        assert getattr(found, name) == getattr(wanted, name), name
    np.testing.assert_array_equal(found.view, wanted.view)
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)


# What a map is found by


@pytest.mark.parametrize("method", ["efficient-pda", "original-pda", "simplified-pda", "occlusion"])
def test_a_map_comes_back_as_it_was(ask, method):
    wanted = stored(ask(method=method, samples=3))
    found = DiskCache().find(ask(method=method, samples=3))
    same(found.evidence_map, wanted)
    np.testing.assert_array_equal(found.evidence_map.evidence, wanted.evidence)
    assert found.evidence_map.seconds == wanted.seconds
    assert found.evidence_map.complete
    assert str(found).startswith(f"from the cache (computed in {wanted.seconds:.1f} s on 20")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "occlusion"},
        {"window": 5},
        {"stride": 2},
        {"infill": "conditional-mean"},
        {"infill": "marginal-samples"},
        {"forward": "incremental"},
        {"colour": "independent"},
        {"batch": 7},
    ],
    ids=str,
)
def test_what_plays_a_part_counts(ask, changes):
    stored(ask())
    assert DiskCache().find(ask()) is not None
    assert DiskCache().find(ask(**changes)) is None


@pytest.mark.parametrize("changes", [{"outer": 20}, {"samples": 99}, {"seed": 7}], ids=str)
def test_what_plays_no_part_does_not_count(ask, changes, no_passes):
    stored(ask())
    asked = ask(**changes)
    wanted = computed(asked)
    no_passes()
    same(DiskCache().find(asked).evidence_map, wanted)


@pytest.mark.parametrize("changes", [{"samples": 4}, {"seed": 7}], ids=str)
def test_what_plays_a_part_elsewhere_counts_there(ask, changes):
    drawn = {"method": "original-pda", "samples": 3}
    stored(ask(**drawn))
    assert DiskCache().find(ask(**drawn)) is not None
    assert DiskCache().find(ask(**{**drawn, **changes})) is None


def test_one_pixel_counts(ask, view):
    stored(ask())
    other = view.copy()
    other[0, 0] ^= 1
    assert DiskCache().find(ask(view=other)) is None


def test_everything_of_the_classifier_counts(ask, digits, view):
    stored(ask())
    others = {
        "name": replace(digits, name="numerals"),
        "weights": load_classifier("digits", device="cpu"),
        "preprocessing": replace(
            digits, preprocessing=digits.preprocessing.model_copy(update={"mean": (0.25,)})
        ),
        "settings": replace(digits, settings=digits.settings.model_copy(update={"outer": 13})),
    }
    with torch.no_grad():
        next(iter(others["weights"].network.parameters())).add_(1e-3)
    asked = ask()
    for what, other in others.items():
        subject = replace(asked.subject, classifier=other)
        assert DiskCache().find(CacheEntry.of(asked.method, subject)) is None, what
    elsewhere = replace(digits, device=torch.device("meta"))
    subject = replace(asked.subject, classifier=elsewhere)
    assert DiskCache().find(CacheEntry.of(asked.method, subject)) is None
    # Where the weights came from, and whatever batch was found to be the fastest, does not.
    same_one = replace(digits, weights="elsewhere", batch_sizes={"full": 3})
    found = DiskCache().find(ask(classifier=same_one))
    assert found.evidence_map.weights == "elsewhere"


@pytest.mark.parametrize("name", ["_FORMAT", "code_of"])
def test_the_program_counts(ask, monkeypatch, name):
    stored(ask())
    monkeypatch.setattr(map_cache, name, 99 if name == "_FORMAT" else lambda parts: "0.0.9")
    assert DiskCache().find(ask()) is None


def test_the_program_is_told_by_its_version_and_its_source(monkeypatch):
    parts = ("pda", "methods")
    code_of.cache_clear()
    before = code_of(parts)
    assert code_of(("pda",)) != before
    monkeypatch.setattr("pda_studio.__version__", "0.0.9")
    code_of.cache_clear()
    assert code_of(parts) != before
    code_of.cache_clear()


# Files that parameters name count by what is in them


def noise(seed):
    """A grey image of 28×28 pixels."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (28, 28), np.uint8))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "references"
    folder.mkdir()
    for i in range(3):
        noise(i).save(folder / f"{i}.png")
    return folder


def test_a_folder_counts_by_its_content(ask, folder, tmp_path):
    values = {"method": "original-pda", "infill": "marginal-samples", "samples": 2}
    stored(ask(**values, reference=folder))
    assert DiskCache().find(ask(**values)) is None
    elsewhere = folder.rename(tmp_path / "elsewhere")
    found = DiskCache().find(ask(**values, reference=elsewhere))
    assert found.evidence_map.parameters["reference"] == str(elsewhere)
    noise(90).save(elsewhere / "1.png")
    assert DiskCache().find(ask(**values, reference=elsewhere)) is None
    for missing in (folder, tmp_path / "none"):
        asked = ask(**values, reference=missing)
        assert asked.keys == ()
        assert DiskCache().find(asked) is None


def test_a_file_counts_by_its_content(ask, tmp_path):
    path = tmp_path / "statistics.safetensors"
    rng = np.random.default_rng(0)

    def save():
        images = rng.integers(0, 255, (3, 28, 28, 3)).astype(np.uint8)
        save_statistics(fit_stationary(images, largest_offset=13), path)

    save()
    first = ask(statistics=path)
    assert first.keys != ask().keys
    assert first.keys == ask(statistics=path).keys
    stamp = path.stat().st_mtime_ns
    save()
    os.utime(path, ns=(stamp, stamp))  # as if it were the old one
    assert first.keys != ask(statistics=path).keys


def test_a_folder_too_large_to_read_is_not_kept(ask, folder, monkeypatch):
    monkeypatch.setattr(map_cache, "_MOST_READ", 100)
    values = {"infill": "marginal-samples", "samples": 2, "reference": folder}
    asked = ask(**values)
    assert asked.keys == ()
    assert not DiskCache().keep(asked, computed(asked))


def test_a_file_changed_during_the_work_is_noticed(ask, folder):
    values = {"infill": "marginal-samples", "samples": 2, "reference": folder}
    asked = ask(**values)
    evidence_map = computed(asked)
    noise(90).save(folder / "1.png")
    assert not DiskCache().keep(asked, evidence_map)
    assert DiskCache().entries.usage() == (0, 0)


# What is drawn anew from window scores


@pytest.mark.parametrize(
    "changes",
    [{"target": 9}, {"difference": "logit"}, {"target": 2, "difference": "probability"}],
    ids=str,
)
@pytest.mark.parametrize("method", ["efficient-pda", "original-pda"])
def test_other_targets_and_differences_need_no_forward_pass(ask, method, changes, no_passes):
    values = {"method": method, "samples": 3}
    stored(ask(**values))
    asked = ask(**values, **changes)
    wanted = computed(asked)
    no_passes()
    same(DiskCache().find(asked).evidence_map, wanted)


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("method", ["efficient-pda", "original-pda"])
def test_coarser_strides_need_no_forward_pass(ask, method, stride, no_passes):
    values = {"method": method, "samples": 3}
    stored(ask(**values, stride=1))
    asked = ask(**values, stride=stride, target=3)
    wanted = computed(asked)
    no_passes()
    same(DiskCache().find(asked).evidence_map, wanted)


def test_finer_strides_do(ask):
    stored(ask(stride=4))
    assert DiskCache().find(ask(stride=2)) is None
    assert DiskCache().find(ask(stride=3)) is None


def test_a_class_that_was_not_kept_is_another_map(ask):
    stored(ask(method="simplified-pda"))
    assert DiskCache().find(ask(method="simplified-pda", target=9)) is None
    stored(ask(method="simplified-pda", target=9))
    assert DiskCache().find(ask(method="simplified-pda")) is not None


def test_unlikely_classes_do_not_drive_out_one_another(ask, monkeypatch):
    monkeypatch.setattr("pda_studio.results.KEPT_CLASSES", 3)
    order = ask().subject.probabilities.argsort()
    last, second = int(order[0]), int(order[1])
    stored(ask(target=last))
    assert DiskCache().find(ask(target=second)) is None
    assert DiskCache().find(ask()) is None
    stored(ask(target=second))
    stored(ask())
    for target in (None, last, second, int(order[-2])):
        assert DiskCache().find(ask(target=target)) is not None


def test_methods_without_scores_are_asked_by_their_target(ask, digits, view):
    class Plain(METHODS["occlusion"]):
        name = ""

        def sources(self, subject):
            return super(METHODS["occlusion"].__mro__[1], self).sources(subject)

        def redrawn(self, kept, subject):
            return super(METHODS["occlusion"].__mro__[1], self).redrawn(kept, subject)

    asked = CacheEntry.of(Plain(window=4, stride=4), Subject.of(view, digits))
    other = CacheEntry.of(asked.method, Subject.of(view, digits, 9))
    wanted = computed(asked).replace(scores=None)
    assert DiskCache().keep(asked, wanted)
    assert DiskCache().find(other) is None
    same(DiskCache().find(asked).evidence_map, wanted)


# What is not kept


def test_unfinished_maps_are_not_kept(ask):
    asked = ask()
    steps = asked.method.steps(asked.subject)
    partial = next(steps).evidence()
    steps.close()
    complete = partial.complete
    if complete:
        partial = partial.replace(covered=np.zeros((28, 28), bool))
    assert not DiskCache().keep(asked, partial)
    assert DiskCache().entries.usage() == (0, 0)


def test_it_can_be_switched_off(ask, monkeypatch):
    stored(ask())
    monkeypatch.setenv("PDA_STUDIO_CACHE_SIZE", "0")
    assert DiskCache().find(ask()) is None
    assert not DiskCache().keep(ask(stride=2), computed(ask(stride=2)))


def test_the_size_is_a_number_of_megabytes(monkeypatch, caplog):
    assert DiskCache().entries.limit == 2_000_000_000
    monkeypatch.setenv("PDA_STUDIO_CACHE_SIZE", "12")
    assert DiskCache().entries.limit == 12_000_000
    monkeypatch.setenv("PDA_STUDIO_CACHE_SIZE", "much")
    with caplog.at_level(logging.WARNING):
        assert DiskCache().entries.limit == 2_000_000_000
    assert "“much”" in caplog.text


def test_without_the_variable_it_lies_among_the_users_caches(monkeypatch, cache_folder):
    assert DiskCache().entries.folder == cache_folder
    monkeypatch.delenv("PDA_STUDIO_CACHE")
    folder = DiskCache().entries.folder
    assert folder.parts[-2:] == ("pda-studio", "maps") or sys.platform != "linux"


# What is damaged is never shown


def entry_of(folder: Path) -> Path:
    (path,) = folder.glob("*.map")
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"{}\n" + data.partition(b"\n")[2],
        lambda data: b"[]\n",
        lambda data: b"\xff\xfe\n",
        lambda data: data.replace(b'"made": 1', b'"made": 2', 1),
        lambda data: data.replace(b'"made": ', b'"more": 1, "made": ', 1),
        lambda data: np.random.default_rng(0).bytes(len(data)),
    ],
)
def test_a_damaged_entry_is_discarded(ask, cache_folder, damage):
    stored(ask())
    path = entry_of(cache_folder)
    path.write_bytes(damage(path.read_bytes()))
    assert DiskCache().find(ask()) is None
    assert not path.exists()


def test_any_flipped_byte_is_noticed(ask, cache_folder):
    stored(ask())
    path = entry_of(cache_folder)
    data = path.read_bytes()
    for place in [*range(0, 300, 7), *range(300, len(data), len(data) // 40), len(data) - 1]:
        flipped = bytearray(data)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        assert DiskCache().find(ask()) is None, place
        assert not path.exists()


def test_an_entry_under_another_key_is_discarded(ask, cache_folder):
    stored(ask())
    path = cache_folder / f"{ask(window=5).keys[0]}.map"
    entry_of(cache_folder).rename(path)
    assert DiskCache().find(ask(window=5)) is None
    assert not path.exists()


@pytest.mark.parametrize("what", ["nothing", "another archive", "no scores"])
def test_an_entry_that_is_whole_but_no_such_map_is_not_shown(ask, tmp_path, what):
    asked, cache = ask(), DiskCache()
    data = b"nothing"
    if what == "another archive":
        np.savez(tmp_path / "other.npz", evidence=np.zeros(3))
        data = (tmp_path / "other.npz").read_bytes()
    elif what == "no scores":
        data = bytes(map_cache.packed(computed(asked)))
    assert cache.entries.keep(asked.keys[0], data)
    assert cache.find(asked) is None
    stored(asked)
    assert cache.find(asked) is not None


def test_a_folder_in_the_place_of_an_entry_breaks_nothing(ask, cache_folder):
    (cache_folder / f"{ask().keys[0]}.map").mkdir(parents=True)
    assert DiskCache().find(ask()) is None
    assert not DiskCache().keep(ask(), computed(ask()))


# Python


def test_explain_uses_the_cache_when_asked_to(digits, view, cache_folder, no_passes, monkeypatch):
    plain = explain(view, digits, stride=4)
    assert not cache_folder.exists()
    first = explain(view, digits, stride=4, cache=True)
    assert DiskCache().entries.usage()[0] == 1
    monkeypatch.setattr(METHODS["efficient-pda"], "steps", lambda *_: pytest.fail("computed"))
    again = explain(view, digits, stride=4, cache=True)
    assert again.seconds == first.seconds
    np.testing.assert_allclose(plain.evidence, again.evidence, rtol=1e-5, atol=1e-5 * plain.limit)


def test_maps_are_found_in_another_process_that_loads_what_it_needs(ask, cache_folder):
    """Torchvision takes as long to import as PyTorch does, and SciPy's statistics half of that."""
    script = """if True:
        import json, sys
        import torch
        from pda_studio import explain, load_classifier, load_image
        from pda_studio.classifiers.index import names_of_torchvision

        assert "squeezenet1_1" in names_of_torchvision()  # which the window offers
        view, options = load_image(sys.argv[1]), {"stride": 4, "precision": "float32"}
        digits = load_classifier("digits", device="cpu")
        found = explain(view, digits, cache=True, **options)
        own = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(2704, 3)
        )
        own = load_classifier(own, preprocessing={"input_size": 28, "mean": [0.0], "std": [1.0]})
        for classifier in (digits, own):
            computed = explain(view, classifier, forward="incremental", **options)
        print(json.dumps([found.seconds, computed.complete, sorted(sys.modules)]))
        """
    wanted = stored(ask())
    path = Path(str(files("pda_studio.resources"))) / "digits" / "samples" / "4.png"
    told = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    seconds, complete, modules = json.loads(told.stdout)
    assert seconds == wanted.seconds
    assert complete
    assert not {"torchvision", "torch._dynamo", "scipy.stats", "captum", "zennit"} & set(modules)

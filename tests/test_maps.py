"""Maps as files: what is in them, and that nothing else is taken for one."""

import errno
import io
import json
import os
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from pda_studio.errors import PdaStudioError
from pda_studio.pda.scores import WindowScores
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap
from pda_studio.store import load_map, save_map
from pda_studio.store.maps import packed, read_map
from pda_studio.targets import ClassTarget


def make_map(side=28, classes=10, **changes):
    """A map with a strip for and a strip against, on an image that is nowhere symmetric."""
    row, column = np.mgrid[:side, :side]
    evidence = np.zeros((side, side), np.float32)
    evidence[: side // 4] = 2
    evidence[-side // 4 :, : side // 2] = -1
    probabilities = np.full(classes, 0.25 / (classes - 1))
    probabilities[3] = 0.75
    view = np.stack([row * 255 // side, column * 255 // side, row * 0 + 128], -1).astype(np.uint8)
    values = {
        "evidence": evidence,
        "standard_error": None,
        "covered": None,
        "view": view,
        "target": ClassTarget(3),
        "target_name": "three",
        "index": 3,
        "output": "softmax",
        "probabilities": probabilities,
        "method": "efficient-pda",
        "title": "Efficient PDA",
        "parameters": {"window": 4, "outer": 12, "infill": "conditional-mean", "statistics": None},
        "unit": "bits",
        "classifier": "digits",
        "weights": "built in",
        "fingerprint": "0123456789abcdef",
        "seconds": 1.5,
    }
    return EvidenceMap(**{**values, **changes})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "map.npz"
    save_map(make_map(), path)
    return path


def arrays_of(path):
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def rewritten(path, **changes):
    """Put other arrays in; None takes one out."""
    arrays = {**arrays_of(path), **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_the_file_holds_what_is_documented_and_no_pickles(tmp_path):
    error = np.full((28, 28), 0.125, np.float32)
    save_map(make_map(standard_error=error), tmp_path / "map.npz")
    arrays = arrays_of(tmp_path / "map.npz")
    kinds = {name: (array.dtype.str[1:], array.shape) for name, array in arrays.items()}
    metadata = kinds.pop("metadata")
    assert kinds == {
        "evidence": ("f4", (28, 28)),
        "standard_error": ("f4", (28, 28)),
        "image": ("u1", (28, 28, 3)),
        "probabilities": ("f4", (10,)),
        "target": ("i8", ()),
    }
    assert metadata[0].startswith("U")
    assert metadata[1] == ()
    told = json.loads(str(arrays["metadata"]))
    assert told["parameters"]["infill"] == "conditional-mean"
    assert told["complete"] is True
    assert told["seconds"] == 1.5
    assert set(told["versions"]) == {"pda-studio", "torch", "torchvision", "numpy", "python"}
    assert told["versions"]["numpy"] == np.__version__
    expected = {"method": "efficient-pda", "title": "Efficient PDA", "unit": "bits"}
    expected |= {"target_name": "three", "classifier": "digits", "weights": "built in"}
    expected |= {"fingerprint": "0123456789abcdef"}
    assert expected.items() <= told.items()


@pytest.mark.parametrize("unfinished", [False, True])
def test_a_map_comes_back_as_it_was(tmp_path, unfinished):
    covered = np.arange(784).reshape(28, 28) % 3 == 0 if unfinished else None
    before = make_map(covered=covered, standard_error=np.full((28, 28), 0.5, np.float32))
    save_map(before, tmp_path / "map.npz")
    after = load_map(tmp_path / "map.npz")
    for name, value in vars(before).items():
        if name == "probabilities":
            np.testing.assert_allclose(after.probabilities, value, rtol=1e-7)
        else:
            np.testing.assert_array_equal(getattr(after, name), value, err_msg=name)
    assert after.complete is not unfinished
    assert after.probabilities.dtype == np.float64
    assert ("covered" in arrays_of(tmp_path / "map.npz")) is unfinished


def test_the_same_map_makes_the_same_file(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_map(make_map(), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("size", [0, 1, 30, 200, -1, -30, -400])
def test_an_incomplete_file_is_refused(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    refused(saved)


def test_a_flipped_byte_in_the_data_is_refused(saved):
    data = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        start = archive.getinfo("image.npy").header_offset + 120
    data[start] ^= 0xFF
    saved.write_bytes(data)
    refused(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": None},
        {"metadata": None},
        {"evidence": np.zeros((28, 28))},
        {"evidence": np.zeros((27, 28), np.float32)},
        {"evidence": np.full((28, 28), np.nan, np.float32)},
        {"evidence": np.zeros(784, np.float32)},
        {"image": np.zeros((28, 28), np.uint8)},
        {"standard_error": np.zeros((2, 2), np.float32)},
        {"covered": np.ones((28, 28), bool)},  # while the metadata say that it is complete
        {"target": np.array(10)},
        {"target": np.array(-1)},
        {"target": np.array(0.5)},
        {"probabilities": np.zeros((0,), np.float32)},
        {"metadata": np.array("{")},
        {"metadata": np.array("[1]")},
        {"metadata": np.array("{}")},
        {"metadata": np.array(7)},
    ],
    ids=lambda changes: ",".join(f"{k}={str(v)[:12]}" for k, v in changes.items()),
)
def test_a_foreign_archive_is_refused(saved, changes):
    rewritten(saved, **changes)
    refused(saved)


def test_a_file_of_a_newer_format_says_so(saved):
    metadata = json.loads(str(arrays_of(saved)["metadata"])) | {"format": 99}
    rewritten(saved, metadata=np.array(json.dumps(metadata)))
    assert "newer" in refused(saved)


class _Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_code_in_a_file_does_not_run(saved, tmp_path):
    marker = tmp_path / "ran"
    trap = np.empty((), object)
    trap[()] = _Trap(marker)
    rewritten(saved, metadata=trap)
    refused(saved)
    assert not marker.exists()
    pickle.loads(pickle.dumps(trap))  # the trap works where pickles are read
    assert marker.exists()


@pytest.mark.parametrize("content", [b"hello", b"PK\x05\x06" + bytes(18), b"\x93NUMPY"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "map.npz"
    path.write_bytes(content)
    refused(path)


def test_missing_files_and_folders_are_named(tmp_path):
    assert "no such file" in refused(tmp_path / "none.npz")
    assert "folder" in refused(tmp_path)


def test_a_full_disk_leaves_the_old_file_alone(saved, monkeypatch):
    before = saved.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PdaStudioError, match="No space left"):
        save_map(make_map(seconds=2.0), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def refused(path):
    with pytest.raises(PdaStudioError) as caught:
        load_map(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# With window scores, as the cache keeps them


@pytest.fixture
def scored():
    grid = WindowGrid(28, 28, window=5, stride=4)
    rng = np.random.default_rng(0)
    shape = (len(grid), 3)
    return make_map(
        scores=WindowScores(
            grid=grid,
            classes=np.array([3, 1, 7]),
            class_count=10,
            original_probability=rng.random(3),
            original_logit=rng.random(3),
            probability=rng.random(shape),
            logit=rng.random(shape),
            probability_variance=rng.random(shape),
            logit_variance=rng.random(shape),
            scored=np.ones(len(grid), dtype=bool),
            varied=rng.random(len(grid)) > 0.5,
        )
    )


def read(data):
    return read_map(io.BytesIO(data), "map")


def test_window_scores_come_back_to_the_bit(scored):
    before, after = scored.scores, read(packed(scored, scores=True)).scores
    for name, value in vars(before).items():
        if name in ("grid", "class_count", "linearised"):
            assert getattr(after, name) == value
        else:
            np.testing.assert_array_equal(getattr(after, name), value, err_msg=name)
    certain = replace(before, probability_variance=None, logit_variance=None, linearised=True)
    after = read(packed(scored.replace(scores=certain), scores=True)).scores
    assert after.probability_variance is None
    assert after.linearised


def test_saved_maps_go_without_window_scores(scored, tmp_path):
    save_map(scored, tmp_path / "map.npz")
    assert not [name for name in arrays_of(tmp_path / "map.npz") if name.startswith("scores")]
    assert load_map(tmp_path / "map.npz").scores is None


@pytest.mark.parametrize(
    "changes",
    [
        {"scores_classes": None},
        {"scores_classes": np.array([3, 1, 10])},
        {"scores_classes": np.array([3.0, 1.0, 2.0])},
        {"scores_logit": None},
        {"scores_logit": np.zeros((2, 3))},
        {"scores_probability": np.zeros((49, 3), np.float32)},
        {"scores_probability_variance": np.full((49, 3), np.nan)},
        {"scores_varied": np.ones(5, bool)},
        {"scores_original_logit": np.zeros(2)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_wrong_window_scores_are_refused(scored, tmp_path, changes):
    path = tmp_path / "map.npz"
    path.write_bytes(packed(scored, scores=True))
    assert load_map(path).scores is not None
    rewritten(path, **changes)
    refused(path)


@pytest.mark.parametrize("changes", [{"window": 29}, {"stride": 0}, {"stride": 9}, {"window": "x"}])
def test_wrong_grids_are_refused(scored, tmp_path, changes):
    path = tmp_path / "map.npz"
    path.write_bytes(packed(scored, scores=True))
    metadata = json.loads(str(arrays_of(path)["metadata"]))
    metadata["scores"] |= changes
    rewritten(path, metadata=np.array(json.dumps(metadata)))
    refused(path)

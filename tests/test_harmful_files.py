"""Files made to take memory or time, or to pass for what they are not, are refused soon."""

import hashlib
import io
import json
import tracemalloc
import zipfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from safetensors.numpy import save_file

from pda_studio.classifiers.generator import Generator, load_generator
from pda_studio.document.operations import MOST_OPERATIONS, Flip, Rotate, applied, extended
from pda_studio.document.saved import load_state
from pda_studio.errors import Cancelled, PdaStudioError, UsageError
from pda_studio.pda.infill.fitting import fit_positional, fit_stationary
from pda_studio.pda.infill.statistics import load_statistics
from pda_studio.reading import entry_of, json_of, open_archive, refused_as
from pda_studio.store.entries import Entries
from pda_studio.store.maps import load_map

FORMATS = Path(__file__).parent / "formats"
WHOLE = FORMATS / "everything-0.1.pdastudio"
CHANCE = np.random.default_rng(0)
STATIONARY = fit_stationary(CHANCE.integers(0, 256, (2, 6, 6, 3), np.uint8), 2)
POSITIONAL = fit_positional(CHANCE.integers(0, 256, (20, 1, 3, 3), np.uint8))


def rewritten(path, change):
    """The workspace with other bytes in some entries."""
    with zipfile.ZipFile(WHOLE) as archive, zipfile.ZipFile(path, "w") as other:
        for name in archive.namelist():
            other.writestr(name, change(name, archive.read(name)))
    return path


def with_state(path, change):
    """The workspace with another state."""

    def changed(name, data):
        if name != "state.json":
            return data
        told = json.loads(data)
        change(told)
        return json.dumps(told)

    return rewritten(path, changed)


# One place for all readers


@pytest.mark.parametrize(
    "error",
    [
        *(IndexError(1), TypeError("x"), AssertionError(), RecursionError(), OverflowError("x")),
        *(Image.DecompressionBombError("x"), OSError("no number"), UsageError("no such method.")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_reader_raises_is_one_sentence(error):
    damaged = "It is damaged."
    with (
        pytest.raises(PdaStudioError, match=f"^{damaged}$") as caught,
        refused_as(damaged, "a.npz"),
    ):
        raise error
    assert type(caught.value) is PdaStudioError
    assert caught.value.__cause__ is error


def test_what_says_more_than_damage_passes():
    for error, message in (
        (PdaStudioError("Too new."), "^Too new.$"),
        (MemoryError(), "a.npz: it takes more memory"),
        (OSError(5, "Input/output error"), "a.npz: Input/output error"),
    ):
        with pytest.raises(PdaStudioError, match=message), refused_as("Damaged.", "a.npz"):
            raise error
    with pytest.raises(KeyboardInterrupt), refused_as("Damaged.", "a.npz"):
        raise KeyboardInterrupt


def test_json_is_bounded_in_depth_and_length():
    assert json_of(b'{"a": [[1, {"b": null}]]}') == {"a": [[1, {"b": None}]]}
    for text in ("[" * 999, "[" * 33 + "]" * 33, "[" * 100_000 + "]" * 100_000, "[1", "x"):
        with pytest.raises(ValueError, match=r"nested too deep|Expecting"):
            json_of(text)
    with pytest.raises(ValueError, match="long"):
        json_of(" " * (1 << 25))


# Archives


def lying(size):
    """An archive whose entry says that it has 100 bytes, and unpacks to far more."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(size))
    data, said = made.getvalue(), size.to_bytes(4, "little")
    assert data.count(said) == 2
    return data.replace(said, (100).to_bytes(4, "little"))


def test_sizes_that_lie_unpack_no_more_than_they_say():
    size = 50_000_001
    with open_archive(io.BytesIO(lying(size)), 1000) as archive:
        tracemalloc.start()
        try:
            with pytest.raises(zipfile.BadZipFile):
                entry_of(archive, "a", 1000)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()


def test_archives_are_bounded_in_size_and_count():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(str(number), bytes(100))
    open_archive(made, 2000).close()
    with pytest.raises(ValueError, match="many"):
        open_archive(made, 1999)
    data = bytearray(made.getvalue())
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 23).to_bytes(4, "little")
    with pytest.raises(ValueError, match="table of contents"):
        open_archive(io.BytesIO(data), 2000)


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_archives_packed_in_another_way_are_refused(tmp_path, packing):
    path = tmp_path / "map.npz"
    source = FORMATS / "grad-cam-0.1.npz"
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w", packing) as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    with pytest.raises(PdaStudioError, match="damaged or no map"):
        load_map(path)


# Workspaces


@pytest.mark.parametrize("damage", ["cut", "no archive", "gone", "no row"])
def test_a_damaged_map_is_left_out_of_a_workspace_with_a_note(tmp_path, damage):
    whole = load_state(WHOLE)
    assert whole.notes == ()
    path = tmp_path / "changed.pdastudio"
    if damage == "no row":
        with_state(path, lambda told: told["maps"][0].update(row="x"))
    elif damage == "gone":
        with_state(path, lambda told: told["maps"][0].update(file="maps/none.npz"))
    else:
        broken = {"cut": lambda data: data[:500], "no archive": lambda data: b"PK"}[damage]
        rewritten(path, lambda name, data: broken(data) if name == "maps/0.npz" else data)
    state = load_state(path)
    assert len(state.maps) == len(whole.maps) - 1
    assert state.notes == ("A map in the workspace is damaged and was left out.",)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["work"]["rows"][1].update(operations=[{"degrees": 15.0}] * 200_000),
        lambda told: told["work"]["rows"][1].update(operations=[{"degrees": float("inf")}]),
        lambda told: told["work"]["rows"][1].update(
            operations=[{"left": 0, "top": 10_000, "width": 5, "height": 5}]
        ),
        lambda told: told["work"].update(rows=told["work"]["rows"] * 1000),
        lambda told: told.update(schema=float("inf")),
        lambda told: told.update(display=json.loads("[" * 300 + "]" * 300)),
        lambda told: told.update(pictures=7),
        lambda told: told["pictures"][0].update(spacing=[0, 1]),
        lambda told: told["pictures"][0].update(geometry=[[[1e999] * 4] * 4, "RAS"]),
        lambda told: told["pictures"][0].update(geometry=[[[0.0] * 4] * 4, "<b>"]),
        lambda told: told["pictures"][0].update(plane="oblique"),
    ],
    ids=[
        *("rotations", "angle", "rectangle", "rows", "schema", "depth", "images"),
        *("spacing", "affine", "axes", "plane"),
    ],
)
def test_workspaces_made_to_harm_are_refused(tmp_path, change):
    with pytest.raises(PdaStudioError, match="damaged or no saved work"):
        load_state(with_state(tmp_path / "changed.pdastudio", change))


def test_an_image_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    bomb = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")
    path = rewritten(
        tmp_path / "bomb.pdastudio",
        lambda name, data: bomb.getvalue() if name.startswith("pictures/") else data,
    )
    tracemalloc.start()
    try:
        with pytest.raises(PdaStudioError, match="damaged or no saved work"):
            load_state(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_view_takes_as_many_operations_as_a_file_may_hold():
    operations = ()
    for number in range(MOST_OPERATIONS):
        operations = extended(operations, Flip("vertical") if number % 2 else Rotate(10))
    assert len(operations) == MOST_OPERATIONS
    assert len(extended(operations, Flip("vertical"))) == MOST_OPERATIONS - 1
    with pytest.raises(UsageError, match="reset it first"):
        extended(operations, Rotate(10))


def test_a_view_that_is_not_wanted_any_more_is_not_made_to_its_end():
    image, asked = np.zeros((8, 8, 3), np.uint8), []
    assert applied(image, [Rotate(10)] * 5, lambda: asked.append(1) or True).shape == (8, 8, 3)
    assert len(asked) == 5
    with pytest.raises(Cancelled):
        applied(image, [Rotate(10)] * 5, lambda: asked.append(1) or len(asked) < 7)
    assert len(asked) == 7


# Statistics, generators, the cache


@pytest.mark.parametrize(
    ("fitted", "changes", "message"),
    [
        (POSITIONAL, {"covariance": np.eye(3)}, r"covariance has the shape \(3, 3\)"),
        (POSITIONAL, {"mean": np.zeros((3, 3))}, r"mean has the shape \(3, 3\)"),
        (POSITIONAL, {"mean": np.zeros((2, 3, 3))}, "does not fit its mean"),
        (POSITIONAL, {"mean": np.zeros(())}, "of 0 channels"),
        (POSITIONAL, {"minimum": np.zeros(3)}, "one for each channel"),
        (POSITIONAL, {"minimum": POSITIONAL.maximum + 1}, "above its maximum"),
        (POSITIONAL, {"covariance": -POSITIONAL.covariance}, "variances that are none"),
        (POSITIONAL, {"covariance": np.triu(POSITIONAL.covariance)}, "not symmetric"),
        (STATIONARY, {"autocovariance": np.zeros((3, 3, 4, 4))}, "does not fit its mean"),
        (STATIONARY, {"autocovariance": np.zeros((3, 3, 5))}, "does not fit its mean"),
        (STATIONARY, {"autocovariance": np.zeros((3, 3, 5, 5))}, "variances that are none"),
        (STATIONARY, {"mean": np.zeros((3, 1))}, "mean has the shape"),
    ],
)
def test_statistics_that_cannot_be_are_refused(tmp_path, fitted, changes, message):
    path = tmp_path / "statistics.safetensors"
    arrays = {name: value for name, value in vars(fitted).items() if name != "about"}
    save_file(
        {name: np.array(value, np.float32) for name, value in {**arrays, **changes}.items()}, path
    )
    with pytest.raises(PdaStudioError, match=message):
        load_statistics(path)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn])
def test_statistics_in_numbers_that_numpy_lacks_are_refused(tmp_path, kind):
    path = tmp_path / "statistics.safetensors"
    safetensors.torch.save_file({"mean": torch.zeros(3, dtype=kind)}, path)
    with suppress(ImportError):
        import_module("ml_dtypes")  # with it NumPy knows them
    with pytest.raises(PdaStudioError, match="not a whole file"):
        load_statistics(path)


@pytest.mark.parametrize("about", ["[" * 5000, "[" * 99 + "]" * 99, "[]", '{"size": {}}', "x"])
def test_statistics_say_plainly_what_they_are_of(tmp_path, about):
    path = tmp_path / "statistics.safetensors"
    arrays = {name: value for name, value in vars(POSITIONAL).items() if name != "about"}
    save_file(arrays, path, metadata={"about": about})
    with pytest.raises(PdaStudioError, match="not a whole file"):
        load_statistics(path)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_generator_of_nothing_is_none(tmp_path):
    path = tmp_path / "generator.safetensors"
    for name, value in {
        "end.weight": torch.zeros(1, 0, 3, 3),
        "start.weight": torch.zeros(0, 4),
        "doublings.0.weight": torch.zeros(0),
    }.items():
        weights = Generator(4, 2, (4, 2), 1).state_dict()
        weights[name] = value
        safetensors.torch.save_file(weights, path)
        with pytest.raises(PdaStudioError, match="holds no generator"):
            load_generator(path)


def test_a_cache_entry_with_a_deep_head_is_discarded(tmp_path):
    key = hashlib.sha256(b"key").hexdigest()
    path = tmp_path / f"{key}.map"
    path.write_bytes(b"[" * 999 + b"\n")
    assert Entries(tmp_path, 1_000_000).find(key) is None
    assert not path.exists()

"""Whatever is done to a file, reading it ends in success or in one sentence, soon.

One small valid file of each kind is changed at random, with fixed seeds: bytes of it, what its
archive holds, and the values in its JSON texts.
"""

import hashlib
import io
import json
import random
import zipfile
from copy import deepcopy
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from pda_studio.classifiers.generator import Generator, load_generator
from pda_studio.classifiers.weights import read_about, read_weights
from pda_studio.document.saved import load_state
from pda_studio.errors import PdaStudioError
from pda_studio.images import load_image
from pda_studio.pda.infill.fitting import fit_positional, fit_stationary, save_statistics
from pda_studio.pda.infill.statistics import load_statistics
from pda_studio.store.entries import Entries
from pda_studio.store.maps import load_map

FORMATS = Path(__file__).parent / "formats"
KEY = hashlib.sha256(b"key").hexdigest()
TIMES = 100
SLOW = 5.0  # seconds that no file of this size takes, on any computer
HOSTILE = [
    *(None, True, -1, 0, 3, 10**30, float("inf"), float("nan"), 0.5, "", "x", "\x00", "../../x"),
    *([], {}, [[]], {"a": 1}, ["x"] * 1000),
]


# Valid files


def weights(folder):
    path = folder / "weights.safetensors"
    tensors = {"a.weight": torch.randn(4, 3), "a.bias": torch.randn(4)}
    about = {"class_names": json.dumps(["a", "b", "c", "d"]), "output": "softmax"}
    safetensors.torch.save_file(tensors, path, metadata=about)
    return path


def checkpoint(folder, **options):
    path = folder / "weights.pth"
    tensors = {"a.weight": torch.randn(4, 3), "a.bias": torch.randn(4)}
    torch.save({"state_dict": tensors, "epoch": 3}, path, **options)
    return path


def generator(folder):
    path = folder / "generator.safetensors"
    safetensors.torch.save_file(Generator(4, 2, (4, 2), 1).state_dict(), path)
    return path


def statistics(folder, *, positional):
    path, chance = folder / "statistics.safetensors", np.random.default_rng(0)
    if positional:
        fitted = fit_positional(chance.integers(0, 256, (20, 1, 3, 3), np.uint8))
    else:
        fitted = fit_stationary(chance.integers(0, 256, (2, 6, 6, 3), np.uint8), 2)
    save_statistics(fitted, path)
    return path


def entry(folder):
    Entries(folder, 1_000_000).keep(KEY, b"a map")
    return folder / f"{KEY}.map"


def image(folder, kind):
    path = folder / f"image.{kind}"
    noise = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def copied(folder, name):
    path = folder / name
    path.write_bytes((FORMATS / name).read_bytes())
    return path


def read_named_weights(path):
    read_weights(path)
    read_about(path)


def find_entry(path):
    Entries(path.parent, 1_000_000).find(KEY)


KINDS = {
    "safetensors": (weights, read_named_weights),
    "checkpoint": (checkpoint, read_named_weights),
    "old checkpoint": (
        lambda folder: checkpoint(folder, _use_new_zipfile_serialization=False),
        read_named_weights,
    ),
    "generator": (generator, load_generator),
    "statistics": (lambda folder: statistics(folder, positional=False), load_statistics),
    "statistics of digits": (lambda folder: statistics(folder, positional=True), load_statistics),
    "map": (lambda folder: copied(folder, "grad-cam-0.1.npz"), load_map),
    "map with scores": (lambda folder: copied(folder, "efficient-pda-scores-0.1.npz"), load_map),
    "workspace": (lambda folder: copied(folder, "everything-0.1.pdastudio"), load_state),
    "cache entry": (entry, find_entry),
    **{
        kind: (lambda folder, kind=kind: image(folder, kind), load_image)
        for kind in ("png", "jpg", "tif", "webp", "gif", "bmp")
    },
}


# What is done to them


def bytes_changed(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        at = chance.randrange(len(data))
        length = chance.choice([1, 1, 2, 4, 8, 64])
        match chance.choice(["bits", "ones", "zeros", "random", "cut", "gone", "twice", "deep"]):
            case "bits":
                data[at] ^= 1 << chance.randrange(8)
            case "ones":
                data[at : at + length] = b"\xff" * length
            case "zeros":
                data[at : at + length] = bytes(length)
            case "random":
                data[at : at + length] = chance.randbytes(length)
            case "cut":
                del data[max(at, 1) :]
            case "gone":
                del data[at : at + length]
            case "twice":
                data[at:at] = data[at : at + length]
            case "deep":
                data[at:at] = b"[" * 999
        data = data or bytearray(b"\x00")
    return bytes(data)


def json_changed(text, chance):
    told = json.loads(text)
    for _ in range(chance.choice([1, 1, 3])):
        inside, key = None, None
        while True:  # down to a random depth
            inner = told if inside is None else inside[key]
            if not isinstance(inner, dict | list) or not inner or chance.random() < 0.15:
                break
            inside = inner
            key = chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if inside is None:
            continue
        value = chance.choice([*HOSTILE, "deep", "gone", "many"])
        if value == "gone":
            del inside[key]
        elif value == "many":
            inside[key] = [deepcopy(inside[key]) for _ in range(1000)]
        else:
            inside[key] = json.loads("[" * 200 + "]" * 200) if value == "deep" else deepcopy(value)
    return json.dumps(told)


def archive_changed(data, chance):
    """The same archive with changes in what it holds, and with the right checksums."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(made, "w") as other:
        names = archive.namelist()
        texts = [name for name in names if "json" in name or "metadata" in name]
        target = chance.choice(names + 4 * texts)
        for name in names:
            held = archive.read(name)
            if name == target:
                held = inner_changed(name, held, chance)
            packing = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            if chance.random() < 0.05:
                packing = chance.choice([zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
            other.writestr(name, held, packing)
    return made.getvalue()


def inner_changed(name, held, chance):
    if name.endswith(".json"):
        return json_changed(held, chance).encode()
    if name == "metadata.npy":
        changed = io.BytesIO()
        np.save(changed, np.array(json_changed(str(np.load(io.BytesIO(held))), chance)))
        return changed.getvalue()
    if name.endswith(".npz") and chance.random() < 0.7:
        return archive_changed(held, chance)
    return bytes_changed(held, chance)


def changed(data, chance):
    if zipfile.is_zipfile(io.BytesIO(data)) and chance.random() < 0.6:
        return archive_changed(data, chance)
    if data[8:9] == b"{" and chance.random() < 0.6:  # safetensors
        length = int.from_bytes(data[:8], "little")
        head = json_changed(data[8 : 8 + length], chance).encode()
        return len(head).to_bytes(8, "little") + head + data[8 + length :]
    return bytes_changed(data, chance)


@pytest.mark.parametrize("kind", KINDS)
def test_every_outcome_is_success_or_one_sentence(kind, tmp_path, recwarn):
    make, read = KINDS[kind]
    torch.manual_seed(0)
    path = make(tmp_path)
    read(path)  # the file is valid
    data = path.read_bytes()
    chance, refused = random.Random(kind), 0
    for number in range(TIMES):
        made = changed(data, chance)
        path.write_bytes(made)
        began = perf_counter()
        try:
            read(path)
        except PdaStudioError as error:
            refused += 1
            said = str(error)
            assert "\n" not in said, (number, said)
            assert said.endswith("."), (number, said)
        except BaseException as error:
            raise AssertionError(f"{kind} {number}: {error!r}") from error
        assert perf_counter() - began < SLOW, number
    assert refused > TIMES // 20 or kind == "cache entry"

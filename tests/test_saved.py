"""Saved work: an image in it is the one that was saved, or the file is refused."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pda_studio.document.saved import load_state
from pda_studio.errors import PdaStudioError

WHOLE = Path(__file__).parent / "formats" / "everything-0.1.pdastudio"
Entry = Callable[[str, bytes], bytes]


def rewritten(path: Path, change: Entry) -> Path:
    """The same archive with other bytes in some entries."""
    with zipfile.ZipFile(WHOLE) as archive, zipfile.ZipFile(path, "w") as other:
        for name in archive.namelist():
            other.writestr(name, change(name, archive.read(name)))
    return path


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def one_grey_level_off(name: str, data: bytes) -> bytes:
    if not name.startswith("pictures/"):
        return data
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    pixels[3, 3, 0] ^= 1
    return png(pixels)


def flipped(name: str, data: bytes) -> bytes:
    if not name.startswith("pictures/"):
        return data
    return png(np.array(Image.open(io.BytesIO(data)).convert("RGB"))[:, ::-1])


def images_swapped(name: str, data: bytes) -> bytes:
    if name != "state.json":
        return data
    told = json.loads(data)
    first, second = told["pictures"][:2]
    first["file"], second["file"] = second["file"], first["file"]
    return json.dumps(told).encode()


def another_digest(name: str, data: bytes) -> bytes:
    return data.replace(b'"digest": "9de8', b'"digest": "9de9').replace(
        b'"picture": "9de8', b'"picture": "9de9'
    )


@pytest.mark.parametrize(
    "change",
    [one_grey_level_off, flipped, images_swapped, another_digest],
    ids=lambda f: f.__name__,
)
def test_another_image_than_was_saved_is_refused(change: Entry, tmp_path: Path) -> None:
    path = rewritten(tmp_path / "changed.pdastudio", change)
    with pytest.raises(PdaStudioError, match=r"changed\.pdastudio"):
        load_state(path)


def test_the_same_bytes_in_another_archive_open(tmp_path: Path) -> None:
    state = load_state(rewritten(tmp_path / "same.pdastudio", lambda name, data: data))
    assert len(state.maps) == len(load_state(WHOLE).maps)

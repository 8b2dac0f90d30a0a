"""Fetching torchvision's weights to where torchvision keeps them."""

import hashlib
import json
import logging
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from pda_studio.errors import PdaStudioError
from pda_studio.files import cache_folder, written_whole
from pda_studio.reading import json_of

_log = logging.getLogger(__name__)

_RECORD = "weights.json"  # in the cache folder
_DIGITS = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Download:
    """How far a download has come, in bytes; the total is 0 where the server does not say."""

    name: str
    done: int
    total: int


def cached_file(url: str) -> Path:
    """Where torchvision keeps the weights from this address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]


def download(url: str, network: str) -> Iterator[Download]:
    """Fetch weights to where torchvision would keep them, in steps; close the iterator to stop.

    The file appears only when it is whole and its SHA-256 starts as its name says
    (`name-xxxxxxxx.pth`, torchvision's convention: 32 bits of 256, and no more are published). All
    of it is then written down, and each time that the file is used it is held to that.

    Raises
    ------
    PdaStudioError
        If the address cannot be reached, or the file is not what its name says or what it was.
    """
    path = cached_file(url)
    if path.is_file():
        _check(path)
        return
    advice = f"put {path.name} into {path.parent}, or name a file of weights"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=20) as response, written_whole(path) as file:
            total, done, digest = (
                int(response.headers.get("Content-Length") or 0),
                0,
                hashlib.sha256(),
            )
            yield Download(path.name, 0, total)
            while block := response.read(1 << 18):
                file.write(block)
                digest.update(block)
                done += len(block)
                yield Download(path.name, done, total)
            if (total and done != total) or not digest.hexdigest().startswith(_promised(path)):
                raise PdaStudioError(
                    f"The download of {path.name} is damaged; try again or {advice}."
                )
        _write_down(path, digest.hexdigest())
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise PdaStudioError(
            f"Cannot download the weights of {network} ({reason}); {advice}."
        ) from error
    except OSError as error:
        raise PdaStudioError(f"Cannot keep {path}: {error.strerror or error}.") from error


def _promised(path: Path) -> str:
    """The first digits of a file's SHA-256, as its name says; "" where it says nothing."""
    digits = path.stem.rpartition("-")[2]
    return digits if _DIGITS.fullmatch(digits) else ""


def _check(path: Path) -> None:
    """Refuse weights that are not what they were when they were first used.

    Raises
    ------
    PdaStudioError
        If they are damaged, or others of the same name.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PdaStudioError(f"Cannot read {path}: {error.strerror or error}.") from error
    known = _written_down().get(path.name)
    if not found.startswith(_promised(path)) or (known is not None and known != found):
        raise PdaStudioError(
            f"{path} is not the file that was downloaded: delete it, and it is fetched anew."
        )
    if known is None:
        _write_down(path, found)


def _written_down() -> dict[str, str]:
    """SHA-256 (hex) of the weights that were used before, by the names of their files."""
    try:
        known = json_of((cache_folder() / _RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {name: digits for name, digits in known.items() if isinstance(digits, str)}


def _write_down(path: Path, digest: str) -> None:
    record = cache_folder() / _RECORD
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(record) as file:
            file.write(json.dumps({**_written_down(), path.name: digest}, indent=1).encode())
    except (OSError, PdaStudioError) as error:
        _log.info("The checksum of %s could not be written down: %s", path.name, error)

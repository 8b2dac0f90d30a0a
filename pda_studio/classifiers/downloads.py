"""Fetching torchvision's weights to where torchvision keeps them."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole


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
    (`name-xxxxxxxx.pth`, torchvision's convention).

    Raises
    ------
    PdaStudioError
        If the address cannot be reached or the file is not what its name says.
    """
    path = cached_file(url)
    if path.is_file():
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
            expected = path.stem.rsplit("-", 1)[-1]
            if (total and done != total) or not digest.hexdigest().startswith(expected):
                raise PdaStudioError(
                    f"The download of {path.name} is damaged; try again or {advice}."
                )
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise PdaStudioError(
            f"Cannot download the weights of {network} ({reason}); {advice}."
        ) from error
    except OSError as error:
        raise PdaStudioError(f"Cannot keep {path}: {error.strerror or error}.") from error

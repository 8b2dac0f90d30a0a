"""Maps as files: NumPy archives that hold everything needed to draw, compare and repeat a map."""

import io
import json
import platform
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

from pda_studio import __version__
from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.methods import EvidenceMap

_FORMAT = 1
_MOST_BYTES = 1 << 28  # unpacked; the largest networks' maps take a few megabytes
_TEXTS = ("method", "title", "unit", "target_name", "classifier", "weights", "fingerprint")
"""Metadata that are texts, under their names in `EvidenceMap`."""


def save_map(evidence_map: EvidenceMap, path: Path) -> None:
    """Write a map as an .npz archive, whole or not at all; window scores are not kept.

    The archive holds `evidence` (H, W) float32, `standard_error` (H, W) float32 where it was
    sampled, `covered` (H, W) bool if the map is unfinished, `image` (H, W, 3) uint8 as the network
    saw it, `probabilities` (K,) float32, `target` (an integer) and `metadata` (JSON text); read it
    with ``numpy.load(path, allow_pickle=False)``.

    Raises
    ------
    PdaStudioError
        If the file cannot be written.
    """
    metadata = {
        "format": _FORMAT,
        **{name: getattr(evidence_map, name) for name in _TEXTS},
        "parameters": evidence_map.parameters,
        "seconds": evidence_map.seconds,
        "complete": evidence_map.complete,
        "versions": {
            "pda-studio": __version__,
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    arrays: dict[str, Any] = {
        "evidence": evidence_map.evidence.astype(np.float32),
        "standard_error": evidence_map.standard_error,
        "covered": evidence_map.covered,
        "image": evidence_map.view,
        "probabilities": evidence_map.probabilities.astype(np.float32),
        "target": np.array(evidence_map.target, np.int64),
        "metadata": np.array(json.dumps(metadata)),
    }
    archive = io.BytesIO()
    np.savez_compressed(archive, **{k: v for k, v in arrays.items() if v is not None})
    with written_whole(Path(path)) as file:
        file.write(archive.getbuffer())


def load_map(path: Path) -> EvidenceMap:
    """Read a map that `save_map` wrote; it has no window scores.

    Raises
    ------
    PdaStudioError
        If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    if path.is_dir():
        raise PdaStudioError(f"Cannot read {path}: it is a folder; name a map in it.")
    if not path.exists():
        raise PdaStudioError(f"Cannot read {path}: no such file; check the name.")
    if not path.is_file():  # opening a pipe would wait for ever
        raise PdaStudioError(f"Cannot read {path}: it is not a file; name a map.")
    try:
        arrays = _arrays(path)
        metadata = json.loads(str(arrays["metadata"][()]))
        if metadata["format"] > _FORMAT:
            raise PdaStudioError(
                f"Cannot read {path}: a newer PDA Studio made this map; update yours."
            )
        return _checked(arrays, metadata)
    except OSError as error:
        raise PdaStudioError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (
        AttributeError,
        EOFError,
        KeyError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:  # whatever zipfile, NumPy's header parser and json make of damage
        raise PdaStudioError(
            f"Cannot read {path}: it is damaged or no map of PDA Studio; choose another file."
        ) from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
            raise ValueError("too large for a map")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _checked(arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> EvidenceMap:
    """Make the map if everything has the type and shape that it must have.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or has not.
    """
    evidence = arrays["evidence"]
    height, width = evidence.shape
    _require(evidence.dtype == np.float32 and evidence.size > 0)
    view = arrays["image"]
    _require(view.dtype == np.uint8 and view.shape == (height, width, 3))
    error, covered = arrays.get("standard_error"), arrays.get("covered")
    _require(error is None or (error.dtype == np.float32 and error.shape == evidence.shape))
    _require(covered is None or (covered.dtype == np.bool_ and covered.shape == evidence.shape))
    _require(metadata["complete"] is (covered is None))
    probabilities, target = arrays["probabilities"], arrays["target"]
    _require(probabilities.dtype == np.float32 and probabilities.ndim == 1)
    _require(target.dtype.kind in "iu" and target.shape == ())
    _require(0 <= int(target) < len(probabilities))
    _require(all(isinstance(metadata[name], str) for name in _TEXTS))
    _require(isinstance(metadata["parameters"], dict))
    _require(bool(np.isfinite(evidence).all() and np.isfinite(probabilities).all()))
    return EvidenceMap(
        evidence=evidence,
        standard_error=error,
        covered=covered,
        view=view,
        target=int(target),
        probabilities=probabilities.astype(np.float64),
        parameters=metadata["parameters"],
        seconds=float(metadata["seconds"]),
        **{name: metadata[name] for name in _TEXTS},
    )


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not what save_map writes")

"""Maps as files: NumPy archives that hold everything needed to draw, compare and repeat a map."""

import io
import json
import platform
import re
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio import __version__, diagnostics
from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole
from pda_studio.images import DisplayLimits
from pda_studio.images.fit import CropBox, Fit
from pda_studio.pda.scores import Coarser, WindowScores
from pda_studio.pda.windows import WindowGrid
from pda_studio.reading import arrays_of, json_of, refused_as
from pda_studio.results import EvidenceMap, MadeImage, Result
from pda_studio.targets import (
    UNITS,
    ClassTarget,
    OutputKind,
    OutputTarget,
    Target,
    UnitTarget,
    as_json,
    from_json,
)

_FORMAT = 2
"""2 names the target and how the probabilities are read; 1, of version 0.1, had an index alone."""
MOST_BYTES = 1 << 29
"""Of an archive, unpacked; a map takes a few megabytes, its window scores up to hundreds."""
_TEXTS = ("method", "title", "unit", "target_name", "classifier", "weights", "fingerprint")
"""Metadata that are texts, under their names in `EvidenceMap`."""
_SCORES = (
    "classes",
    "original_probability",
    "original_logit",
    "probability",
    "logit",
    "probability_variance",
    "logit_variance",
    "varied",
)
"""Arrays of `WindowScores`; in an archive each has `scores_` before its name."""
_COARSER = ("probability", "logit", "exact")
"""Arrays of `Coarser`; in an archive each has `scores_coarser_` before its name."""
_ERRORS = ("standard_error", "approximation_error")
"""Errors of the evidence, where they are known, under their names in `EvidenceMap`."""
_UNIT = re.compile(r"(.+), map (\d{1,9})(?:, row (\d{1,9}), column (\d{1,9}))?", re.ASCII)
"""A hidden unit in the `target_name` of format 1."""


def save_map(result: Result, path: Path) -> None:
    """Write a map or a made image as an .npz archive, whole or not at all, without window scores.

    The archive of a map holds `evidence` (H, W) float32, `standard_error` (H, W) float32 where it
    was sampled, `approximation_error` (H, W) float32 where it was estimated, and `covered` (H, W)
    bool if it is unfinished; that of a made image `picture` (H, W, 3) uint8. Both hold `image`
    (H, W, 3) as the network saw it, uint8 or float32 from 0 to 1, `probabilities` (K,) float32,
    `target` (an integer: where the target stands among these) and `metadata` (JSON text); read it
    with ``numpy.load(path, allow_pickle=False)``.

    Raises
    ------
    PdaStudioError
        If the file cannot be written.
    """
    data = packed(result)
    with written_whole(Path(path)) as file:
        file.write(data)


def encoded(result: Result, placed: object, source: object) -> memoryview:
    """What `save_map` writes; the view stands for the image, and nobody is named."""
    return packed(result)


def packed(result: Result, *, scores: bool = False) -> memoryview:
    """Write a map or a made image as the bytes of an .npz archive.

    With its window scores, the archive also holds `scores_…` arrays, named as in `WindowScores`,
    and is not compressed: they are large, and squeezing them takes longer than it saves.
    """
    metadata = {
        "format": _FORMAT,
        **{name: getattr(result, name) for name in _TEXTS},
        "target": as_json(result.target),
        "output": result.output,
        "parameters": result.parameters,
        "seconds": result.seconds,
        "display_limits": result.limits and [result.limits.black, result.limits.white],
        "fit": result.fit,
        "crop": result.crop,
        "diagnostics": diagnostics.as_json(result.diagnostics),
        "complete": result.complete,
        "versions": _versions(),
    }
    arrays: dict[str, Any] = {
        "image": result.view,
        "probabilities": result.probabilities.astype(np.float32),
        "target": np.array(result.index, np.int64),
    }
    kept = None
    if isinstance(result, MadeImage):
        arrays["picture"] = result.image
    elif isinstance(result, EvidenceMap):
        metadata["forward"] = result.forward
        arrays["evidence"] = result.evidence.astype(np.float32)
        arrays |= {name: getattr(result, name) for name in (*_ERRORS, "covered")}
        kept = result.scores if scores else None
    if kept is not None:
        metadata["scores"] = {
            "window": kept.grid.window,
            "stride": kept.grid.stride,
            "linearised": kept.linearised,
        }
        arrays |= {f"scores_{name}": getattr(kept, name) for name in _SCORES}
        if kept.coarser is not None:
            metadata["scores"]["coarser_step"] = kept.coarser.step
            arrays |= {f"scores_coarser_{name}": getattr(kept.coarser, name) for name in _COARSER}
    arrays["metadata"] = np.array(json.dumps(metadata))
    archive = io.BytesIO()
    save = np.savez_compressed if kept is None else np.savez
    save(archive, **{k: v for k, v in arrays.items() if v is not None})
    return archive.getbuffer()


@cache
def _versions() -> dict[str, str]:
    """The versions that a map names; looking torchvision's up reads a file."""
    return {
        "pda-studio": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def load_map(path: Path) -> Result:
    """Read a map or a made image that `save_map` wrote.

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
    with _refused(str(path)), path.open("rb") as file:
        return read_map(file, str(path))


def read_map(file: BinaryIO, name: str, most: int = MOST_BYTES) -> Result:
    """Read a map from an open archive; its window scores come back if they were packed.

    Raises
    ------
    PdaStudioError
        If the archive, which the message calls by the name, is damaged, holds something else, or
        more than `most` bytes once unpacked.
    """
    with _refused(name):
        arrays = arrays_of(file, most)
        metadata = json_of(str(arrays["metadata"][()]))
        if metadata["format"] > _FORMAT:
            raise PdaStudioError(
                f"Cannot read {name}: a newer PDA Studio made this map; update yours."
            )
        return _checked(arrays, metadata)


def _refused(name: str) -> AbstractContextManager[None]:
    damaged = f"Cannot read {name}: it is damaged or no map of PDA Studio; choose another file."
    return refused_as(damaged, name)


def _checked(arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> Result:
    """Make the map or the image if everything has the type and shape that it must have.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or has not.
    """
    view = arrays["image"]
    height, width = view.shape[:2]
    _require(view.ndim == 3 and view.size > 0)
    if view.dtype == np.uint8:
        _require(view.shape == (height, width, 3))
    else:
        _require(view.dtype == np.float32 and view.shape[2] >= 3 and bool(np.isfinite(view).all()))
    probabilities, index = arrays["probabilities"], arrays["target"]
    _require(probabilities.dtype == np.float32 and probabilities.ndim == 1)
    _require(bool(np.isfinite(probabilities).all()))
    _require(index.dtype.kind in "iu" and index.shape == ())
    _require(0 <= int(index) < len(probabilities))
    _require(all(isinstance(metadata[name], str) for name in _TEXTS))
    _require(isinstance(metadata["parameters"], dict) and isinstance(metadata["complete"], bool))
    target, output = _target(metadata, int(index), len(probabilities))
    forward, found = _notes(metadata)
    common = {
        "view": view,
        "target": target,
        "index": int(index),
        "output": output,
        "probabilities": probabilities.astype(np.float64),
        "parameters": metadata["parameters"],
        "seconds": float(metadata["seconds"]),
        "diagnostics": found,
        "limits": _limits(metadata),
        "fit": _fit(metadata),
        "crop": None if metadata.get("crop") is None else CropBox(*map(int, metadata["crop"])),
        **{name: metadata[name] for name in _TEXTS},
    }
    made = arrays.get("picture")
    if made is not None:
        _require(made.dtype == np.uint8 and made.shape == (height, width, 3))
        return MadeImage(image=made, finished=metadata["complete"], **common)
    evidence, covered = arrays["evidence"], arrays.get("covered")
    errors: dict[str, Any] = {name: arrays.get(name) for name in _ERRORS}
    size = (height, width)
    _require(evidence.dtype == np.float32 and evidence.shape == size)
    _require(bool(np.isfinite(evidence).all()))
    for error in errors.values():
        _require(error is None or (error.dtype == np.float32 and error.shape == size))
    _require(covered is None or (covered.dtype == np.bool_ and covered.shape == size))
    _require(metadata["complete"] is (covered is None))
    return EvidenceMap(
        evidence=evidence,
        covered=covered,
        forward=forward,
        scores=_scores(arrays, metadata, size, len(probabilities)),
        **errors,
        **common,
    )


def _limits(metadata: dict[str, Any]) -> DisplayLimits | None:
    """Which values of the image were black and white; of earlier files eight bits are."""
    found = metadata.get("display_limits")
    if found is None:
        return None
    black, white = map(float, found)
    return DisplayLimits(black, white)


def _fit(metadata: dict[str, Any]) -> Fit:
    """What of the image became the view: of earlier files its middle."""
    found = metadata.get("fit", "crop")
    _require(found in get_args(Fit))
    fit: Fit = found
    return fit


def _notes(metadata: dict[str, Any]) -> tuple[str, diagnostics.Diagnostics]:
    """How images were scored, and diagnostics: format 1 has either of them as one text."""
    text = str(metadata.get("forward", ""))  # the first maps have none
    if metadata["format"] >= 2:
        return text, diagnostics.from_json(metadata["diagnostics"])
    if not text or "forward" in metadata["parameters"]:
        return text, ()
    return "", (diagnostics.Note(text),)


def _target(metadata: dict[str, Any], index: int, outputs: int) -> tuple[Target, OutputKind]:
    """What a map explains; format 1 tells the index alone, and of a hidden unit its name."""
    if metadata["format"] >= 2:
        output = metadata["output"]
        _require(output in UNITS)
        return from_json(metadata["target"]), output
    if outputs > 1:
        return ClassTarget(index), "softmax"
    unit = _UNIT.fullmatch(metadata["target_name"])
    if unit is None:
        return OutputTarget(0), "scalar"
    place = (None, None) if unit[3] is None else (int(unit[3]), int(unit[4]))
    return UnitTarget(unit[1], int(unit[2]), *place), "unknown"


def _scores(
    arrays: dict[str, NDArray[Any]],
    metadata: dict[str, Any],
    size: tuple[int, int],
    class_count: int,
) -> WindowScores | None:
    """Make the window scores of an image of this size, if there are any and they are right."""
    told = metadata.get("scores")
    if told is None:
        return None
    window, stride = int(told["window"]), int(told["stride"])
    grid = WindowGrid(*size, window=window, stride=stride)
    found = {name: arrays.get(f"scores_{name}") for name in _SCORES}
    classes, varied = arrays["scores_classes"], arrays["scores_varied"]
    _require(classes.dtype.kind == "i" and classes.ndim == 1 and len(classes) > 0)
    _require(bool((classes >= 0).all() and (classes < class_count).all()))
    _require(varied.dtype == np.bool_ and varied.shape == (len(grid),))
    for name, array in found.items():
        if name in ("classes", "varied") or (array is None and name.endswith("_variance")):
            continue
        shape = (len(classes),) if name.startswith("original") else (len(grid), len(classes))
        _require(array is not None and array.dtype == np.float64 and array.shape == shape)
        _require(array is not None and bool(np.isfinite(array).all()))
    return WindowScores(
        grid=grid,
        class_count=class_count,
        scored=np.ones(len(grid), dtype=bool),
        linearised=bool(told["linearised"]),
        coarser=_coarser(arrays, told, (len(grid), len(classes))),
        **found,  # type: ignore[arg-type]
    )


def _coarser(
    arrays: dict[str, NDArray[Any]], told: dict[str, Any], shape: tuple[int, int]
) -> Coarser | None:
    """Make what tells the approximation error of (n, C) scores, if it is there and right."""
    if "coarser_step" not in told:
        return None
    probability, logit, exact = (arrays[f"scores_coarser_{name}"] for name in _COARSER)
    for array in (probability, logit):
        _require(array.dtype == np.float64 and array.shape == shape)
        _require(bool(np.isfinite(array).all()))
    _require(exact.dtype == np.bool_ and exact.shape == shape[:1])
    step = int(told["coarser_step"])
    _require(step > 1)
    return Coarser(probability, logit, exact, step)


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not what save_map writes")

"""Writing one result: its map, its thumbnail, and then its row."""

import io
import os
import secrets
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from pda_studio.batch.agreeing import Neighbours
from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import Setting
from pda_studio.batch.results import FileState, ResultFolder, Row, RowWriter
from pda_studio.errors import PdaStudioError
from pda_studio.rendering.appearance import Appearance
from pda_studio.rendering.drawing import overlay
from pda_studio.results import EvidenceMap, MadeImage, Result, Subject
from pda_studio.store.map_formats import write_map
from pda_studio.targets import UNITS

_SIDE = 128  # pixels of a thumbnail
_LIKELIEST = 5


class ResultWriter:
    """Writes results into a folder.

    Parameters
    ----------
    results : ResultFolder
        Where.
    """

    def __init__(self, results: ResultFolder) -> None:
        self._results = results
        self._rows = RowWriter(results)
        self._neighbours = Neighbours(results)

    def write(
        self,
        setting: Setting,
        image: BatchImage,
        state: FileState,
        made: tuple[Subject, Result] | Exception,
        notes: str = "",
    ) -> Row:
        """Write a result, or why there is none.

        Raises
        ------
        PdaStudioError
            If the disk is full or cannot be written.
        """
        row = Row(
            job=setting.job(image),
            setting=setting.name,
            image=image.name,
            path=image.path,
            label=image.label,
            classifier=setting.classifier.name,
            weights=setting.classifier.weights or "",
            method=setting.method.name,
            parameters=setting.method.parameters,
            notes=notes,
            process=self._rows.process,
            **state._asdict(),
        )
        if not isinstance(made, Exception):
            subject, result = made
            target = self._results.map_of(row.job)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_map(result, target)
            except OSError as error:
                reason = error.strerror or str(error)
                raise PdaStudioError(f"Cannot write {target}: {reason}.") from error
            except PdaStudioError as error:
                if isinstance(error.__cause__, OSError):
                    raise
                made = error  # a name that is too long harms this result alone
            else:
                row = replace(row, **_about(subject, result), map=self._below(target))
                row = replace(row, thumbnail=self._thumbnail(row.job, result))
                compared = self._neighbours.compare(setting.name, image.name, result)
                row = replace(row, compared=compared)
        if isinstance(made, Exception):
            row = replace(row, error=_reason(made))
        row = replace(row, finished=time.time())
        self._rows.append(row)
        return row

    def _below(self, path: Path) -> str:
        return path.relative_to(self._results.folder).as_posix()

    def _thumbnail(self, job: str, result: Result) -> str:
        """Write a small overlay; without it a result is whole as well."""
        path = self._results.thumbnail_of(job)
        temporary = path.with_name(f".{secrets.token_hex(8)}.unfinished")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(thumbnail(result))
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            return ""
        return self._below(path)


def thumbnail(result: Result) -> bytes:
    """A small overlay of a map, or a small made image, as JPEG."""
    if isinstance(result, EvidenceMap):
        pixels = overlay(result, Appearance(), result.limit)
    else:
        assert isinstance(result, MadeImage), "there are no other results"
        pixels = result.image
    small = Pillow.fromarray(pixels)
    if max(small.size) > _SIDE:
        small.thumbnail((_SIDE, _SIDE), reducing_gap=2.0)
    memory = io.BytesIO()
    small.save(memory, "JPEG", quality=88, subsampling=0)
    return memory.getvalue()


def _about(subject: Subject, result: Result) -> dict[str, Any]:
    """What a row tells of a finished result."""
    names = subject.classifier.class_names
    likely = np.argsort(-subject.predictions, kind="stable")[:_LIKELIEST]
    about: dict[str, Any] = {
        "fingerprint": result.fingerprint,
        "classifier": result.classifier,
        "weights": result.weights,
        "title": result.title,
        "parameters": result.parameters,
        "target": result.target_name,
        "target_index": int(result.index),
        "unit": UNITS[result.output],
        "probability": float(result.value) if result.has_probability else None,
        "predicted": names[int(likely[0])],
        "top_classes": [names[int(index)] for index in likely],
        "top_probabilities": [float(subject.predictions[index]) for index in likely],
        "seconds": float(result.seconds),
    }
    if not isinstance(result, EvidenceMap):
        return about
    evidence = result.evidence
    row, column = np.unravel_index(int(evidence.argmax()), evidence.shape)
    errors = {}
    if result.standard_error is not None:
        errors["standard_error"] = float(result.standard_error.max())
    if result.approximation_error is not None:
        squares = np.square(result.approximation_error, dtype=np.float64)
        errors["approximation_error"] = float(np.sqrt(squares.mean()))
    return {
        **about,
        "unit": result.unit,
        "largest": float(evidence.max()),
        "smallest": float(evidence.min()),
        "total": float(evidence.sum(dtype=np.float64)),
        "mean_absolute": float(np.abs(evidence).mean(dtype=np.float64)),
        "row": int(row),
        "column": int(column),
        **errors,
    }


def _reason(error: Exception) -> str:
    if isinstance(error, PdaStudioError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for it, also one image at a time."
    return f"{type(error).__name__}: {error}".rstrip(": ")

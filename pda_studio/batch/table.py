"""Results as a table that can be sorted and filtered by any column, without a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from natsort import natsort_keygen, ns
from numpy.typing import NDArray

from pda_studio.batch.index import SCHEMA, plain_row, sorted_rows
from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.marks import Marks
from pda_studio.batch.results import ResultFolder, holds_results
from pda_studio.counts import plain_name
from pda_studio.errors import PdaStudioError, UsageError

Kind = Literal["text", "number"]
_natural = natsort_keygen(alg=ns.IGNORECASE)


@dataclass(frozen=True)
class Heading:
    """A column that results can be sorted and filtered by.

    Attributes
    ----------
    name : str
        By which a filter names it.
    title : str
        What stands over it.
    kind : {"text", "number"}
        What is in it.
    """

    name: str
    title: str
    kind: Kind = "text"


HEADINGS = (
    Heading("image", "Image"),
    Heading("label", "Label"),
    Heading("predicted", "Prediction"),
    Heading("confidence", "Confidence", "number"),
    Heading("correct", "Correct"),
    Heading("agreement", "Agreement", "number"),
    Heading("overlap", "Overlap of the strongest 5 %", "number"),
    Heading("target", "Target"),
    Heading("probability", "Probability of the target", "number"),
    Heading("method", "Method"),
    Heading("classifier", "Classifier"),
    Heading("setting", "Setting"),
    Heading("largest", "Largest evidence", "number"),
    Heading("smallest", "Smallest evidence", "number"),
    Heading("total", "Total evidence", "number"),
    Heading("mean_absolute", "Mean absolute evidence", "number"),
    Heading("standard_error", "Standard error", "number"),
    Heading("approximation_error", "Approximation error", "number"),
    Heading("seconds", "Seconds", "number"),
    Heading("finished", "Time of computation", "number"),
    Heading("size", "Size of the file", "number"),
    Heading("error", "Error"),
    Heading("marked", "Marked", "number"),
    Heading("note", "Note"),
)
"""In the order in which they are offered; `confidence`, `correct`, `marked` and `note` are not in
the index, but follow from it or from the marks."""

_KINDS = {heading.name: heading.kind for heading in HEADINGS}


class ResultTable:
    """Results, or images of which nothing is computed yet: a row each.

    Attributes
    ----------
    folder : Path
        The folder of results, or of the images.
    computed : bool
        Whether there are results; else there are images alone.
    marks : Marks
        Which rows are marked, and the notes on them.
    """

    def __init__(self, folder: Path, rows: pa.Table, *, computed: bool = True) -> None:
        self.folder, self.computed = folder, computed
        self.marks = Marks(folder)
        self._rows = rows
        self._lists: dict[str, list[Any]] = {}
        self._ranks: dict[str, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    @classmethod
    def read(cls, folder: Path) -> ResultTable:
        """Read a folder of results: its index, or the rows where they are newer.

        Raises
        ------
        PdaStudioError
            If it holds no results, or they cannot be read.
        """
        results = ResultFolder(folder)
        if not results.folder.is_dir():
            raise PdaStudioError(f"There is no folder {folder}; check the name.")
        if not holds_results(results.folder):
            raise PdaStudioError(
                f"There are no results in {folder}: name a folder that pda-studio batch wrote."
            )
        try:
            if _is_new(results):
                try:
                    return cls(results.folder, _fitting(pq.read_table(results.index)))
                except (
                    pa.ArrowException,
                    ValueError,
                    TypeError,
                ):  # the rows tell the same
                    if not results.row_files():
                        raise
            rows = [plain_row(row) for row in sorted_rows(results)]
            table = pa.Table.from_pylist(rows, SCHEMA)
        except (OSError, pa.ArrowException, ValueError, TypeError) as error:
            raise PdaStudioError(
                f"Cannot read the results in {folder}: the index is damaged; run the batch again."
            ) from error
        return cls(results.folder, table)

    @classmethod
    def of_images(cls, folder: Path, images: Sequence[BatchImage]) -> ResultTable:
        """Images of which nothing is computed yet; a job bears its image's name."""
        rows = [
            {
                "job": one.name,
                "setting": "",
                "image": one.name,
                "path": one.path,
                "label": one.label,
            }
            for one in images
        ]
        return cls(folder, _fitting(pa.Table.from_pylist(rows)), computed=False)

    # Values

    def column(self, name: str) -> list[Any]:
        """The values of a column, row by row; numbers that are not known are None.

        Raises
        ------
        UsageError
            If there is no such column.
        """
        if name == "marked":
            return [float(self.marks.is_marked(job)) for job in self.column("job")]
        if name == "note":
            return [self.marks.note(job) for job in self.column("job")]
        if name not in self._lists:
            self._lists[name] = self._derived(name)
        return self._lists[name]

    def _derived(self, name: str) -> list[Any]:
        if name == "confidence":
            lists = self._rows.column("top_probabilities").to_pylist()
            return [values[0] if values else None for values in lists]
        if name == "correct":
            return [
                self._correct(label, predicted)
                for label, predicted in zip(
                    self.column("label"), self.column("predicted"), strict=True
                )
            ]
        if name not in self._rows.column_names:
            raise UsageError(
                f"There is no column “{name}”: there are {', '.join(one.name for one in HEADINGS)}."
            )
        column = self._rows.column(name)
        if pa.types.is_string(column.type):  # few texts differ: each is in memory once
            coded = column.combine_chunks().dictionary_encode()
            texts = coded.dictionary.to_pylist()
            return [texts[at] if at is not None else "" for at in coded.indices.to_pylist()]
        found: list[Any] = column.to_pylist()
        return found

    @cached_property
    def _classes(self) -> set[str]:
        """The names of classes, as far as they are predicted anywhere."""
        named = self._rows.column("top_classes").combine_chunks().flatten().unique().to_pylist()
        return {plain_name(one) for one in (*named, *self.column("predicted")) if one}

    def _correct(self, label: str, predicted: str) -> str:
        """Whether the prediction is the label; "" where the label names no known class."""
        if not label or not predicted or plain_name(label) not in self._classes:
            return ""
        return "correct" if plain_name(label) == plain_name(predicted) else "wrong"

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of numbers (N,), NaN where none is known."""
        return np.array(self.column(name), np.float64)

    def row(self, at: int) -> dict[str, Any]:
        """All that is known of a result."""
        known = {name: self.column(name)[at] for name in self._rows.column_names}
        job = known["job"]
        more = {name: self.column(name)[at] for name in ("confidence", "correct")}
        return {
            **known,
            **more,
            "marked": self.marks.is_marked(job),
            "note": self.marks.note(job),
        }

    def file(self, at: int, name: Literal["map", "thumbnail"]) -> Path | None:
        """A result's map or thumbnail; None if it has none below the folder of results."""
        below = PurePosixPath(self.column(name)[at])
        if not below.parts or below.is_absolute() or ".." in below.parts or "\\" in str(below):
            return None
        return self.folder / below

    def of_image(self, at: int) -> list[int]:
        """The rows of the same image as a row, in the order of their settings."""
        images, settings = self.column("image"), self.column("setting")
        image = images[at]
        same = (one for one in range(len(self)) if images[one] == image)
        return sorted(same, key=lambda one: settings[one])

    def put_prediction(self, at: int, predicted: str, confidence: float) -> None:
        """Note what a classifier says of an image of which nothing was computed."""
        for name, value in (("predicted", predicted), ("confidence", confidence)):
            self.column(name)[at] = value
            self._ranks.pop(name, None)
        self._classes.add(plain_name(predicted))
        self._lists.pop("correct", None)
        self._ranks.pop("correct", None)

    def forget_predictions(self) -> None:
        """Forget what another classifier said of the images."""
        if not self.computed:
            for name in ("predicted", "confidence", "correct"):
                self._lists.pop(name, None)
                self._ranks.pop(name, None)
            self.__dict__.pop("_classes", None)

    # Order

    def order(
        self,
        name: str = "image",
        *,
        descending: bool = False,
        among: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int64]:
        """The rows sorted by a column; rows without a value come last.

        Numbers in texts count as numbers: 9 comes before 10.

        Parameters
        ----------
        name : str
            A column of `HEADINGS`.
        descending : bool
            The largest first.
        among : (N,) bool, optional
            Which rows are wanted.

        Returns
        -------
        (M,) int64
            Indices of rows.

        Raises
        ------
        UsageError
            If there is no such column.
        """
        rows = np.arange(len(self)) if among is None else np.flatnonzero(among)
        keys = [self._key(one)[rows] for one in ("setting", "image")]
        by = self._key(name)[rows]
        missing = np.isnan(by)
        by = -by if descending else by
        return rows[np.lexsort((*keys, np.where(missing, 0.0, by), missing))]

    def _key(self, name: str) -> NDArray[np.float64]:
        """Numbers in the order of a column, NaN where it is empty."""
        if _KINDS.get(name, "text") == "number":
            return self.numbers(name)
        if name not in self._ranks or name == "note":
            texts = self.column(name)
            known = sorted(set(texts) - {""}, key=_natural)
            places = {text: float(place) for place, text in enumerate(known)} | {"": np.nan}
            self._ranks[name] = np.array([places[text] for text in texts], np.float64)
        return self._ranks[name]


def _is_new(results: ResultFolder) -> bool:
    """Whether the index holds all rows: none was written since."""
    try:
        written = results.index.stat().st_mtime_ns
    except OSError:
        return False
    return all(path.stat().st_mtime_ns <= written for path in results.row_files())


def _fitting(table: pa.Table) -> pa.Table:
    """A table with the columns of the index, empty where it lacks them."""
    columns = []
    for field in SCHEMA:
        if field.name in table.column_names:
            columns.append(table.column(field.name).cast(field.type))
        else:
            columns.append(pa.nulls(table.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)

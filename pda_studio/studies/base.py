"""What a study is: a declaration whose fields are its parameters, and its work in steps."""

from __future__ import annotations

import csv
import io
import json
import math
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.durations import duration
from pda_studio.errors import UsageError
from pda_studio.parameters import Declaration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pda_studio.batch.sources import ImageSource
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.map_work import MapStep
    from pda_studio.images import Image
    from pda_studio.methods import Method
    from pda_studio.results import Subject
    from pda_studio.targets import Target

STUDIES: dict[str, type[Study]] = {}
"""Every study by its name, in the order in which the modules declare them."""

Cell = str | int | float | None
Format = Literal["text", "count", "number", "share", "error", "correlation"]
Need = Literal["subject", "images", "methods", "classifiers", "networks"]
"""What a study takes besides a classifier: a subject to explain; one that may be missing, as the
study takes a folder as well; methods; several classifiers, whose weights may be random; several
that are trained."""

NONE = "–"


@dataclass(frozen=True)
class Column:
    """A column of a study's table.

    Attributes
    ----------
    key, title : str
        Its name in files, and its heading.
    format : {"text", "count", "number", "share", "error", "correlation"}
        How its values are written: a share, from 0 to 1, in percent; an error as 1.0e-03.
    """

    key: str
    title: str
    format: Format = "text"

    def text(self, value: Cell) -> str:
        """A value as people read it."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return NONE
        if isinstance(value, str):
            return value
        return _WRITTEN[self.format](value)


_WRITTEN: dict[Format, Callable[[float], str]] = {
    "text": str,
    "count": lambda v: f"{v:,.0f}",
    "number": lambda v: f"{v:,.0f}" if abs(v) >= 100 else f"{v:#.3g}",
    "share": lambda v: f"{100 * v:.1f} %",
    "error": lambda v: f"{v:.1e}",
    "correlation": lambda v: f"{v:.3f}",
}


@dataclass(frozen=True)
class Table:
    """What a study found, one row for each thing that it compares.

    Attributes
    ----------
    columns : sequence of Column
        What is known of each.
    rows : sequence of sequence
        Texts and numbers; None where something cannot be known.
    group : str
        Key of a column whose values head the rows that share them; "" for none.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    group: str = ""

    def records(self) -> list[dict[str, Cell]]:
        """Each row by the columns' keys; what is not a number is None."""
        keys = [column.key for column in self.columns]
        return [
            dict(zip(keys, (None if _is_nan(v) else v for v in row), strict=True))
            for row in self.rows
        ]

    def csv(self) -> str:
        """The table as comma-separated values, with the keys in the first line."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.key for column in self.columns])
        writer.writerows([["" if _is_nan(v) else v for v in row] for row in self.rows])
        return text.getvalue()


@dataclass(frozen=True)
class WindowColumn:
    """A column of maps that the window can show.

    Attributes
    ----------
    method : Method
        How its maps are made.
    target : Target or None
        What it explains, if that is not what the window does.
    """

    method: Method
    target: Target | None = None


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes
    ----------
    sentence : str
        What it means, in one plain sentence.
    table : Table
        All numbers.
    draw : callable
        Makes the figure (matplotlib's, not known to pyplot).
    notes : sequence of str
        What must be known to read the table.
    about : dict
        What it was measured on and with, as JSON values.
    columns : sequence of WindowColumn
        What of it the window can put beside its own columns of maps.
    images : sequence of Path or None
        The images' files, where parts of the figure stand for images: see `image_places`.
    """

    sentence: str
    table: Table
    draw: Callable[[], Figure]
    notes: Sequence[str] = ()
    about: dict[str, Any] = field(default_factory=dict)
    columns: Sequence[WindowColumn] = ()
    images: Sequence[Path | None] = ()


@dataclass(frozen=True)
class StudyProgress:
    """How far a study has come.

    Attributes
    ----------
    done, total : int
        Units of work.
    doing : str
        What was done last.
    result : StudyResult or None
        What is known so far; None before anything is. In the last step it is complete.
    seconds_left : float or None
        How long the rest takes, where that is known.
    """

    done: int
    total: int
    doing: str = ""
    result: StudyResult | None = None
    seconds_left: float | None = None

    @property
    def time_left(self) -> str:
        """How long the rest takes, in words; "" where that is not known."""
        return "" if self.seconds_left is None else f"{duration(self.seconds_left)} left"


@dataclass(frozen=True)
class FolderMaps:
    """Maps that a study takes of a folder's images as they are: a batch can compute them before.

    Attributes
    ----------
    methods : sequence of Method
        What explains.
    images : sequence of Path
        The images' files.
    target : int or None
        The class that is explained; None for that of the plan, or the likeliest.
    """

    methods: Sequence[Method]
    images: Sequence[Path]
    target: int | None = None


@dataclass(frozen=True)
class ClassifierInput:
    """A classifier that is loaded when it is needed.

    Attributes
    ----------
    name : str
        Its name.
    load : callable
        Loads it.
    """

    name: str
    load: Callable[[], Classifier]


@dataclass(frozen=True)
class Inputs:
    """What a study is carried out on; which of these it takes, its `needs` say.

    Attributes
    ----------
    classifiers : sequence of ClassifierInput
        One classifier or several.
    subject : callable, optional
        The image and the target that are explained.
    subject_name : str
        The image's name.
    methods : callable, optional
        The attribution methods, with parameters that suit a classifier.
    read : callable, optional
        Reads the images of a folder otherwise than `read_image` does: another page, other limits.
    pixel : (int, int), optional
        Column and row of the pixel that was clicked, in the model input.
    explained : callable, optional
        Makes a subject of the image for another classifier.
    source : ImageSource, optional
        What the study's folder holds, where that is known, with maps that were finished elsewhere.
    """

    classifiers: Sequence[ClassifierInput]
    subject: Callable[[], Subject] | None = None
    subject_name: str = ""
    methods: Callable[[Classifier], Sequence[Method]] | None = None
    read: Callable[[Path], Image] | None = None
    pixel: tuple[int, int] | None = None
    explained: Callable[[Classifier], Subject] | None = None
    source: ImageSource | None = None

    def classifier(self) -> Classifier:
        """The only classifier, or the first.

        Raises
        ------
        UsageError
            If there is none.
        """
        if not self.classifiers:
            raise UsageError("The study needs a classifier: choose one.")
        return self.classifiers[0].load()


class Study(Declaration):
    """An experiment over classifiers, images and attribution methods.

    It goes on where it was stopped, when it is carried out again: what is finished is kept in the
    cache.

    A subclass with a `name` enters the registry by being defined; the window and the command line
    find it there. Its fields are its parameters.

    Attributes
    ----------
    name, title, summary, citation : str
        Name in the registry, name for people, one sentence, and where it was published.
    needs : frozenset of str
        What it takes besides a classifier.
    repeatable : bool
        Whether it finds the same numbers again; times are others in every run.
    alone : bool
        Whether it takes no classifier, as it makes a network of its own.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    repeatable: ClassVar[bool] = True
    alone: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Enter the registry."""
        if cls.name:
            STUDIES[cls.name] = cls

    @abstractmethod
    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Carry it out in steps; the last one holds the complete result.

        Raises
        ------
        UsageError
            If the parameters do not fit the inputs.
        """

    def folder_maps(self, inputs: Inputs) -> Generator[MapStep, None, list[FolderMaps]]:
        """Find out which maps of its folder's images it will take; none without a folder.

        Raises
        ------
        UsageError
            If the parameters do not fit the inputs.
        """
        yield from ()
        return []

    def effort(self) -> str:
        """Say in a sentence what it will take."""
        return ""


def result_as_json(study: Study, result: StudyResult) -> str:
    """Everything about a result as JSON: parameters, what it was measured on, and all rows."""
    content = {
        "study": study.name,
        "parameters": study.model_dump(mode="json"),
        "about": result.about,
        "sentence": result.sentence,
        "rows": result.table.records(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def significant(value: float | None, digits: int = 6) -> Cell:
    """A number for a table, with so many significant digits; None where it is not known."""
    return None if value is None or math.isnan(value) else float(f"{value:.{digits}g}")


def _is_nan(value: Cell) -> bool:
    return isinstance(value, float) and math.isnan(value)

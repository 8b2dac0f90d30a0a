"""A report: one file that holds figures, tables, methods text and the exact commands."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pda_studio import __version__
from pda_studio.batch.sources import source_at
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.figures import draw_panel
from pda_studio.figures.saving import figure_bytes
from pda_studio.figures.words import caption, value_of
from pda_studio.methods import COMBINING, METHODS
from pda_studio.report.citations import Entry, entries
from pda_studio.report.commands import IMAGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pda_studio.parameters import Declaration
    from pda_studio.results import Result
    from pda_studio.studies import Study, StudyResult

_DPI = 150  # of figures: an HTML page is read on a screen
_UNNAMED = f"{IMAGE} stands for the image that was open, which is no file on the disk."
_TIMES = "it holds times, which are others in every run"
_TEMPLATE = "report.html"


@dataclass(frozen=True, eq=False)
class StudyPart:
    """A study that a report tells of.

    Attributes
    ----------
    study : Study
        What was carried out.
    result : StudyResult
        What it found.
    words : sequence of str
        The command that gives it again, after the program's name.
    note : str
        What the command cannot say.
    """

    study: Study
    result: StudyResult
    words: Sequence[str]
    note: str = ""

    @property
    def title(self) -> str:
        """Its heading."""
        return self.study.title

    @property
    def declared(self) -> list[type[Declaration]]:
        """What it cites."""
        return [type(self.study)]

    @property
    def sentence(self) -> str:
        """What it found."""
        return self.result.sentence

    @cached_property
    def csv(self) -> bytes:
        """The table, as the command writes it."""
        return self.result.table.csv().encode()

    @property
    def methods_text(self) -> list[str]:
        """How it was carried out, in sentences for a paper."""
        values = "; ".join(
            f"{one.label.lower()} {getattr(self.study, one.name)}"
            for one in self.study.parameters()
            if getattr(self.study, one.name) not in (None, "")
        )
        carried = f"The study “{self.study.title}” was carried out with PDA Studio {__version__}."
        return [carried, self.study.summary, f"Parameters: {values}."]

    @property
    def table_file(self) -> str:
        """The name of its table's file, its SHA-256, and whether the numbers are the same again."""
        told = f"{self.study.name}.csv, SHA-256 {hashlib.sha256(self.csv).hexdigest()}"
        return told if self.study.repeatable else f"{told}; {_TIMES}"

    def figure(self) -> Figure:
        """Its figure."""
        return self.result.draw()


@dataclass(frozen=True, eq=False)
class MapPart:
    """A map that a report shows.

    Attributes
    ----------
    result : Result
        The map, or a made image.
    words : sequence of str
        The command that gives it again, after the program's name.
    note : str
        What the command cannot say.
    """

    result: Result
    words: Sequence[str]
    note: str = ""

    @property
    def title(self) -> str:
        """Its heading."""
        return f"{self.result.title}: {self.result.target_name}"

    @property
    def declared(self) -> list[type[Declaration]]:
        """What it cites."""
        kind = METHODS.get(self.result.method) or COMBINING.get(self.result.method)
        return [] if kind is None else [kind]

    @property
    def sentence(self) -> str:
        """What the network says of the target, and what the method found out about itself."""
        parts = [value_of(self.result), self.result.how]
        return f"{'; '.join(filter(None, parts))}."

    @property
    def methods_text(self) -> list[str]:
        """How it was made, in sentences for a paper."""
        made = f"The map was computed with PDA Studio {__version__} by {self.result.title}."
        return [made, *(one.summary for one in self.declared), *caption([("", [self.result])])]

    def figure(self) -> Figure:
        """Image, map and overlay."""
        return draw_panel([self.result])


Part = StudyPart | MapPart


def command_of(part: Part) -> str:
    """The command that gives a part again."""
    return shlex.join(["pda-studio", *part.words])


def note_of(part: Part) -> str:
    """What a part's command cannot say; "" where it says all."""
    return " ".join(filter(None, (part.note, _UNNAMED if IMAGE in part.words else "")))


@dataclass(frozen=True, eq=False)
class Report:
    """Studies and maps in one file.

    Parameters
    ----------
    title : str
        Its heading.
    parts : sequence of StudyPart or MapPart
        In the order in which they stand.
    versions : sequence of str
        The programs that made them.

    Raises
    ------
    UsageError
        If there are no parts.
    """

    title: str
    parts: Sequence[Part]
    versions: Sequence[str] = field(default_factory=lambda: _versions())

    def __post_init__(self) -> None:
        if not self.parts:
            raise UsageError("The report is empty: choose at least one study or map.")

    @cached_property
    def references(self) -> list[Entry]:
        """What the parts cite, once each, in the order in which they do."""
        found: dict[str, Entry] = {}
        for part in self.parts:
            for one in _cited(part):
                found.setdefault(one.key, one)
        return list(found.values())

    def cited(self, part: Part) -> str:
        """The numbers of what a part cites, as [1, 2]."""
        keys = [one.key for one in self.references]
        numbers = sorted({keys.index(one.key) + 1 for one in _cited(part)})
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    @property
    def bibtex(self) -> str:
        """All references, as a .bib file holds them."""
        return "\n\n".join(one.bibtex for one in self.references) + "\n"

    def html(self) -> str:
        """The whole report: it needs no other file, and no network."""
        template = (files("pda_studio.resources") / _TEMPLATE).read_text("utf-8")
        page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        return page.from_string(template).render(
            title=self.title,
            versions=", ".join(self.versions),
            parts=[self._shown(number, part) for number, part in enumerate(self.parts, 1)],
            classifiers=self.classifiers(),
            inputs=self.inputs(),
            references=[one.text for one in self.references],
            bibtex=self.bibtex,
            bib=_data("application/x-bibtex", self.bibtex.encode()),
        )

    def _shown(self, number: int, part: Part) -> dict[str, Any]:
        drawn = bytes(figure_bytes(part.figure(), ".png", dpi=_DPI))
        shown: dict[str, Any] = {
            "number": number,
            "title": part.title,
            "figure": _data("image/png", drawn),
            "command": command_of(part),
            "note": note_of(part),
            "methods": " ".join(part.methods_text),
            "cited": self.cited(part),
            "sentence": part.sentence,
            "heading": [],
            "rows": [],
            "notes": [],
            "csv": "",
        }
        if isinstance(part, StudyPart):
            table = part.result.table
            shown |= {
                "heading": [column.title for column in table.columns],
                "rows": [
                    [
                        (column.text(value), column.format != "text")
                        for column, value in zip(table.columns, row, strict=True)
                    ]
                    for row in table.rows
                ],
                "notes": list(part.result.notes),
                "csv": _data("text/csv", part.csv),
                "csv_name": f"{part.study.name}.csv",
                "told": part.table_file.removeprefix(f"{part.study.name}.csv"),
            }
        return shown

    def classifiers(self) -> list[str]:
        """Every classifier with its weights and their SHA-256."""
        found: dict[str, None] = {}
        for part in self.parts:
            if isinstance(part, MapPart):
                one = part.result
                found[f"{one.classifier}, weights {one.weights}, SHA-256 {one.fingerprint}"] = None
                continue
            about = part.result.about
            several = about.get("classifiers") or ([about] if "fingerprint" in about else [])
            for known in several:
                text = f"weights {known['weights']}, SHA-256 {known['fingerprint']}"
                found[f"{known['classifier']}, {text}"] = None
        return list(found)

    def inputs(self) -> list[str]:
        """Every file and every folder of images that a command names, with its SHA-256."""
        named = dict.fromkeys(word for part in self.parts for word in part.words)
        found = []
        for path in map(Path, filter(None, named)):
            with contextlib.suppress(OSError):  # no name of a file: it may be too long for one
                if path.is_file():
                    found.append(f"{path.name}: SHA-256 {_digest([path])}")
                elif path.is_dir() and (images := _images(path)):
                    found.append(f"{path.name}, {len(images)} images: SHA-256 {_digest(images)}")
        return found


def _cited(part: Part) -> list[Entry]:
    found = [one for kind in part.declared for one in entries(kind.citation)]
    if isinstance(part, StudyPart):  # the methods that it compares, by their titles in its table
        told = {str(cell) for row in part.result.table.rows for cell in row}
        kinds = [k for k in METHODS.values() if any(k.title in text for text in told)]
        found += [one for kind in kinds for one in entries(kind.citation)]
    return found


def _images(folder: Path) -> list[Path]:
    try:
        return [Path(one.path) for one in source_at(folder).images]
    except PdaStudioError:  # a folder of something else
        return []


def _digest(paths: Sequence[Path]) -> str:
    """Of one file's content, or of those of several, one after the other."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def _data(kind: str, content: bytes) -> Markup:
    return Markup(f"data:{kind};base64,{base64.b64encode(content).decode()}")


def _versions() -> list[str]:
    return [f"PDA Studio {__version__}", f"PyTorch {torch.__version__}"]

"""What the verbs print: tables and summaries of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pda_studio.cli.parameters import allowed, defaults, merged, option, parameters_by_name
from pda_studio.cli.tables import WIDTH, table
from pda_studio.counts import counted
from pda_studio.methods import Method, by_family
from pda_studio.parameters import Parameter
from pda_studio.results import EvidenceMap, Result
from pda_studio.targets import UNITS, ClassTarget

if TYPE_CHECKING:  # the list of methods does not wait for PyTorch
    from pda_studio.batch.running import BatchProgress
    from pda_studio.classifiers import CatalogueEntry
    from pda_studio.classifiers.layers import Layer

_BAR = 30
_LONGEST = 400
_EIGHTHS = " ▏▎▍▌▋▊▉"


def percent(probability: float) -> str:
    """A probability in percent, never rounded to a certainty that it is not."""
    share = 100 * probability
    if 0 < share < 0.01:
        return "<0.01 %"
    if 99.99 < share < 100:
        return ">99.99 %"
    return f"{share:.2f} %"


def predictions(rows: Sequence[tuple[int, str, float]], *, probabilities: bool = True) -> str:
    """Index, name, probability and a bar for each class, or its plain value, a line each."""
    digits = max(len(str(index)) for index, _, _ in rows)
    room = WIDTH - digits - 8 - _BAR - 6

    def said(value: float) -> tuple[str, ...]:
        return (percent(value), _bar(value)) if probabilities else (f"{value:.6g}",)

    cells = [
        (str(index), textwrap.shorten(name, room, placeholder="…"), *said(p))
        for index, name, p in rows
    ]
    return table((), cells, right=(0, 2))


def runtime(apart: float | None) -> str:
    """How far a converted network is from its runtime; "" where it is not known."""
    if apart is None:
        return ""
    if apart == 0:
        return "The outputs are exactly those of onnxruntime."
    return f"The outputs differ from onnxruntime's by {apart:.1g} of the largest."


def _bar(share: float) -> str:
    full, rest = divmod(round(share * _BAR * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def classifiers(entries: Sequence[CatalogueEntry]) -> str:
    """A table of all classifiers."""
    rows = [
        (
            entry.name,
            f"{entry.input_size}×{entry.input_size}",
            str(entry.classes),
            f"{entry.parameters / 1e6:.1f} M",
            entry.source,
        )
        for entry in entries
    ]
    heading = ("classifier", "input", "classes", "parameters", "weights")
    return table(heading, rows, right=(1, 2, 3))


def layers(found: Sequence[Layer]) -> str:
    """Name, kind and shape of each layer, a line each."""
    rows = [(layer.name, layer.kind, "×".join(map(str, layer.shape))) for layer in found]
    return table(("layer", "kind", "shape"), rows, width=_LONGEST)  # a name is copied whole


def methods(kinds: list[type[Method]]) -> str:
    """What each method does, family by family, then all parameters, each once."""
    lines: list[str] = []
    for family, members in by_family(kinds).items():
        lines += [family.upper(), ""]
        for kind in members:
            lines += [f"{kind.name}: {kind.title}"]
            lines += _indented(kind.summary)
            lines += _indented(kind.citation)
            if not kind.model_fields:
                lines += _indented("It has no parameters.")
            lines.append("")
    lines += ["PARAMETERS", ""]
    for name, by_method in parameters_by_name(kinds).items():
        lines.append(option(name))
        for text in merged(by_method, lambda parameter: parameter.help):
            lines += _indented(text)
        for values in filter(None, merged(by_method, allowed)):
            lines += _indented(f"Values: {values}")
        if default := defaults(by_method):
            lines += _indented(f"Default: {default}")
        if len(by_method) < len(kinds):
            lines += _indented(f"Only of: {', '.join(by_method)}")
        lines.append("")
    lines += textwrap.wrap(
        "A classifier may suit other defaults better; what is given on the command line counts"
        " most.",
        WIDTH,
    )
    return "\n".join(lines)


def usable_methods(kinds: list[type[Method]], reasons: Mapping[str, str]) -> str:
    """Which methods can explain a classifier, family by family, then the others with reasons."""
    lines: list[str] = []
    for family, members in by_family(kind for kind in kinds if kind.name not in reasons).items():
        lines += [family.upper(), "", *(f"{kind.name}: {kind.title}" for kind in members), ""]
    others = [kind for kind in kinds if kind.name in reasons]
    if others:
        lines += ["NOT FOR THIS CLASSIFIER", ""]
    for kind in others:
        lines += [f"{kind.name}: {kind.title}", *_indented(reasons[kind.name]), ""]
    return "\n".join(lines[:-1])


def _indented(text: str) -> list[str]:
    margin = " " * 4
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
        break_long_words=False,
    )


def method_as_json(kind: type[Method], reasons: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Everything that is declared of a method, as JSON values.

    Where reasons are given why some cannot explain a classifier, also whether it can.
    """
    told: dict[str, Any] = {}
    if reasons is not None:
        told = {"usable": kind.name not in reasons, "reason": reasons.get(kind.name, "")}
    return {
        **told,
        "name": kind.name,
        "title": kind.title,
        "family": kind.family,
        "needs": list(kind.needs),
        "summary": kind.summary,
        "citation": kind.citation,
        "parameters": [
            {
                **_declared(parameter),
                "option": option(parameter.name),
                "default": str(parameter.default)
                if isinstance(parameter.default, Path)
                else parameter.default,
            }
            for parameter in kind.parameters()
        ],
    }


def _declared(parameter: Parameter) -> dict[str, Any]:
    """A parameter's declaration; what its names stand for is no JSON."""
    return {name: value for name, value in vars(parameter).items() if name != "registry"}


def cache(
    folder: Path, count: int, size: int, limit: int, deleted: tuple[int, int] | None = None
) -> str:
    """The cache's folder and its entries; and what was deleted, if anything was to be."""
    lines = [f"Cache of maps: {folder}"]
    if not limit:
        lines = [f"The cache is switched off; its folder is {folder}"]
    if deleted is not None:
        lines.append(f"Deleted {_maps(*deleted)}.")
    room = f" of at most {_megabytes(limit)}" if limit else ""
    return "\n".join([*lines, f"{_maps(count, size)}{room}"])


def _maps(count: int, size: int) -> str:
    return f"{counted(count, 'map')}, {_megabytes(size)}"


def _megabytes(size: int) -> str:
    megabytes = size / 1e6
    return f"{megabytes:.1f} MB" if 0 < megabytes < 10 else f"{megabytes:,.0f} MB"


def summary(evidence_map: Result, written: Sequence[Path], origin: str = "") -> str:
    """What was found, in a few lines; the origin says where the map came from, if not computed."""
    m = evidence_map
    name = m.target_name
    if isinstance(m.target, ClassTarget):
        name += f" (class {m.target.index})"
    number = f"{UNITS[m.output]} {m.value:.6g}"
    if m.has_probability:
        number = f"probability {percent(m.value)}"
    head = f"{name}: {number} by {m.classifier}"
    how = f"{m.title}, {origin or f'{m.seconds:.1f} s'}"
    if not isinstance(m, EvidenceMap):
        return "\n".join([head, f"{how}: {m.how}", *(f"Wrote {path}" for path in written)])
    lines = [head, f"{how}, evidence in {m.unit}:"]
    for side, sign in (("for", 1), ("against", -1)):
        index = int(np.argmax(sign * m.evidence))
        row, column = (int(i) for i in np.unravel_index(index, m.evidence.shape))
        value = float(m.evidence[row, column])
        if sign * value <= 0:
            lines.append(f"  {side:<7}  none")
            continue
        error = ""
        if m.standard_error is not None:
            error = f" ± {m.standard_error[row, column]:.2g}"
        lines.append(f"  {side:<7}  {value:+.3g}{error} at row {row}, column {column}")
    if m.how:
        lines.append(f"How: {m.how}")
    lines += [f"Wrote {path}" for path in written]
    return "\n".join(lines)


def batch(last: BatchProgress, count: int, written: Sequence[Path]) -> str:
    """What a batch came to, in a few lines."""
    lines = [f"{last.done:,} of {last.total:,} maps are there."]
    if last.failed:
        jobs = "job" if last.failed == 1 else "jobs"
        lines = [
            f"{last.done - last.failed:,} of {last.total:,} maps are there; {last.failed:,} {jobs}"
            " failed: the column “error” says why."
        ]
    if count > last.total:
        others = count - last.total
        lines.append(
            f"The index has {count:,} rows: {others:,} {'is' if others == 1 else 'are'} of another"
            " part or plan that goes into the same folder."
        )
    return "\n".join([*lines, *(f"Wrote {path}" for path in written)])

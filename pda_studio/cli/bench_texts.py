"""What the verb `bench` prints: a table a network, or JSON."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pda_studio.classifiers import Classifier
from pda_studio.pda.windows import WindowGrid
from pda_studio.studies.machine import Machine
from pda_studio.studies.speed import Row

_NAMES = {
    "plain": "plain",
    "incremental-float32": "incremental, float32",
    "incremental-bfloat16-delta": "incremental, bfloat16-delta",
    "linearised": "linearised",
    "captum-occlusion": "Captum's Occlusion",
}
_COLUMNS = {"windows/s": 9, "ratio": 6, "error": 8, "map, s": 7, "memory, MB": 10}
_NAME, _GAP, _NONE = 30, 2, "–"
_ROOM = sum(_COLUMNS.values()) + _GAP * (len(_COLUMNS) - 1)

_NOTES = """\
ratio   against plain, the whole network
error   rms error of all logits over the rms of their change, against plain;
        ρ: Spearman's correlation of the windows' log-odds with plain's instead
map     all windows at this rate: extrapolated
memory  at the peak, set-up included, on top of the loaded network"""
_RANDOM = """\
Weights are random: the errors, and the layer from which on a network may be linearised, are
others where it is trained; the other speeds are the same."""


@dataclass(frozen=True)
class Result:
    """What was measured of a network.

    Attributes
    ----------
    classifier, weights : str
        Its name, and where its weights came from.
    input_size, windows : int
        Side of the image in pixels, and how many windows it has.
    rows : sequence of Row
        One for each way.
    """

    classifier: str
    weights: str
    input_size: int
    windows: int
    rows: Sequence[Row]

    @classmethod
    def of(cls, classifier: Classifier, window: int, stride: int, rows: Sequence[Row]) -> "Result":
        """What was measured of a classifier."""
        side = classifier.input_size
        count = len(WindowGrid(side, side, window, stride))
        return cls(classifier.name, classifier.weights, side, count, rows)


def head(machine: Machine, window: int, stride: int, rounds: int) -> str:
    """What was measured, and on what."""
    threads = f"{machine.threads} thread{'' if machine.threads == 1 else 's'}"
    turns = f"medians of {rounds} rounds" if rounds > 1 else "one round"
    return (
        f"{machine.processor}, {threads}, on {machine.device};"
        f" torch {machine.torch_version}, captum {machine.captum_version}\n"
        f"windows of {window}×{window} pixels at stride {stride}, {turns}"
    )


def table(result: Result) -> str:
    """All ways of a network, a line each; where one cannot be gone, why."""
    weights = result.weights if result.weights == "built in" else f"{result.weights} weights"
    lines = [
        f"{result.classifier}, {weights}: {result.windows:,} windows"
        f" in {result.input_size}×{result.input_size} pixels"
    ]
    names = [" ".join(filter(None, _named(row))) for row in result.rows]
    wide = max(_NAME, *map(len, names))
    heading = [f"{title:>{width}}" for title, width in _COLUMNS.items()]
    lines.append((" " * _GAP).join([" " * wide, *heading]))
    told = ""
    for name, row in zip(names, result.rows, strict=True):
        if row.reason:
            reason = "as above" if row.reason == told else row.reason
            first, *rest = textwrap.wrap(reason, _ROOM)
            lines.append(f"{name:<{wide}}{'':{_GAP}}{first}")
            lines += [" " * (wide + _GAP) + line for line in rest]
            told = row.reason
            continue
        cells = zip(_cells(row), _COLUMNS.values(), strict=True)
        each = [f"{cell:>{width}}" for cell, width in cells]
        lines.append((" " * _GAP).join([f"{name:<{wide}}", *each]))
    return "\n".join(lines)


def notes(results: Sequence[Result]) -> str:
    """What the columns mean, and what does not hold for other weights."""
    is_random = any(result.weights == "random" for result in results)
    return f"{_NOTES}\n{_RANDOM}" if is_random else _NOTES


def _named(row: Row) -> tuple[str, str]:
    name = _NAMES[row.way]
    return (f"{name},", row.setting) if row.setting.startswith("batch") else (name, row.setting)


def _cells(row: Row) -> list[str]:
    error = _NONE if row.error is None else f"{row.error:.1e}"
    if row.rank_correlation is not None:
        error = f"ρ {row.rank_correlation:.3f}"
    return [
        _number(row.windows_per_second),
        _NONE if row.ratio is None else f"{row.ratio:.2f}",
        error,
        _number(row.map_seconds),
        _NONE if row.peak_memory is None else f"{row.peak_memory:,.0f}",
    ]


def _number(value: float | None) -> str:
    """Three digits that count, or all before the point."""
    if value is None:
        return _NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def as_json(
    machine: Machine, window: int, stride: int, rounds: int, results: Sequence[Result]
) -> str:
    """The same as JSON, with the rate of every round."""
    told = {
        **asdict(machine),
        "window": window,
        "stride": stride,
        "rounds": rounds,
        "networks": [asdict(result) for result in results],
    }
    return json.dumps(told, indent=2, ensure_ascii=False)

"""The study of speed: how fast infilled images are scored on this computer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import counted
from pda_studio.errors import UsageError
from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    Study,
    StudyProgress,
    StudyResult,
    Table,
)

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.kept_rows import KeptRows
    from pda_studio.experiments.speed import Row

CLASSIFIERS = ("squeezenet1_1", "mobilenet_v2")

_NAMES = {
    "full": "full",
    "incremental-float32": "incremental, float32",
    "incremental-bfloat16-delta": "incremental, bfloat16-delta",
    "linearised": "linearised",
    "levelled-10": "levelled, 10 %",
    "levelled-5": "levelled, 5 %",
    "levelled-2": "levelled, 2 %",
    "captum-occlusion": "Captum's Occlusion",
}
_NOT_EXACT = [
    name
    for forward, name in _NAMES.items()
    if forward.startswith(("linearised", "levelled", "captum"))
]
_COLUMNS = (
    Column("classifier", "classifier"),
    Column("forward", "forward"),
    Column("setting", "setting"),
    Column("windows_per_second", "windows/s", "number"),
    Column("ratio", "ratio", "number"),
    Column("error", "error", "error"),
    Column("rank_correlation", "ρ", "correlation"),
    Column("map_seconds", "map, s", "number"),
    Column("peak_memory", "memory, MB", "count"),
)
_NOTES = (
    "ratio: against the full forward",
    "error: rms error of all logits over the rms of their change, against the full forward; of a"
    " levelled map its own, over the rms evidence, against the exact map",
    "levelled: one map that is refined, timed until it claims this error; the exact map ends it",
    "ρ: Spearman's correlation of the windows' log-odds with the full forward's",
    "map: seconds for all windows at this rate, extrapolated",
    "memory: at the peak, set-up included, on top of the loaded network",
)
_RANDOM = (
    "Weights are random: errors, and the layer from which on a network may be linearised, are"
    " others where it is trained; the other speeds are the same."
)


class Speed(Study):
    """All forwards take turns on the same windows of an image of noise, filled with grey.

    All have warmed up before; the median of the rounds counts. Captum's Occlusion runs with the
    batch size that is fastest, and only its loop over the windows is counted. Memory is resident
    memory, or on CUDA what PyTorch has allocated there.
    """

    name: ClassVar[str] = "speed"
    title: ClassVar[str] = "Speed"
    summary: ClassVar[str] = (
        "How fast each forward scores windows on this computer, how exact it is, and how much"
        " memory it takes, beside Captum's Occlusion."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"classifiers"})
    repeatable: ClassVar[bool] = False

    window: int = parameter(10, "Window", "Side of the windows.", unit="pixels", ge=1, le=128)
    stride: int = parameter(1, "Stride", "Step from window to window.", unit="pixels", ge=1, le=128)
    rounds: int = parameter(
        5, "Rounds", "In how many each forward takes a turn; the median counts.", ge=1, le=100
    )

    def effort(self) -> str:
        """Seconds for each classifier."""
        return (
            "One to three minutes for each classifier on two cores at stride 1, for vgg16 more:"
            " a whole map is refined to its end."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Measure one classifier after the other."""
        from pda_studio.experiments.kept_rows import KeptRows
        from pda_studio.experiments.machine import Machine
        from pda_studio.experiments.speed import compare

        self._check([one.name for one in inputs.classifiers])
        rows: list[list[Cell]] = []
        reasons: dict[str, str] = {}
        networks: list[dict[str, Any]] = []
        kept: list[KeptRows] = []
        count = len(inputs.classifiers)
        for place, one in enumerate(inputs.classifiers):
            classifier = one.load()
            kept.append(KeptRows(classifier, [self.window, self.stride, self.rounds, place]))
            found = kept[-1].found()
            for step in found or compare(classifier, self.window, self.stride, self.rounds):
                if step.rows:
                    head = self._head(classifier)
                    rows += [_cells(head, row) for row in step.rows]
                    reasons |= {
                        f"{classifier.name}, {_NAMES[row.name]}": row.reason
                        for row in step.rows
                        if row.reason
                    }
                    networks.append(_network(classifier, step.rows))
                    if not found:
                        kept[-1].keep(step)
                machine = Machine.here(classifier.device)
                result = self._result(machine, rows, reasons, networks) if rows else None
                if place == count - 1 and step.rows:
                    for each in kept:
                        each.forget()
                yield StudyProgress(
                    place * step.total + step.done,
                    count * step.total,
                    f"{classifier.name}: {step.doing}",
                    result,
                )

    def _check(self, names: list[str]) -> None:
        """Refuse windows that do not fit before minutes are spent on the first classifier."""
        from pda_studio.classifiers import catalogue
        from pda_studio.pda.windows import WindowGrid

        sizes = {entry.name: entry.input_size for entry in catalogue()}
        for name in names:
            if name not in sizes:
                raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
            WindowGrid(sizes[name], sizes[name], self.window, self.stride)

    def _head(self, classifier: Classifier) -> str:
        from pda_studio.pda.windows import WindowGrid

        height, width = classifier.input_size
        weights = classifier.weights
        weights = weights if weights == "built in" else f"{weights} weights"
        count = len(WindowGrid(height, width, self.window, self.stride))
        return f"{classifier.name}, {weights}: {count:,} windows in {width}×{height} pixels"

    def _result(
        self,
        machine: Any,
        rows: list[list[Cell]],
        reasons: dict[str, str],
        networks: list[dict[str, Any]],
    ) -> StudyResult:
        from pda_studio.experiments.charts import draw_grouped_bars

        known = [row for row in rows if row[4] is not None]
        groups: dict[str, dict[str, float]] = {}
        for row in known:
            network = str(row[0]).partition(",")[0]
            groups.setdefault(network, {})[str(row[1])] = float(row[4] or 0)
        turns = f"medians of {self.rounds} rounds" if self.rounds > 1 else "one round"
        threads = counted(machine.threads, "thread")
        by_reason: dict[str, list[str]] = {}
        for name, reason in reasons.items():
            by_reason.setdefault(reason, []).append(name)
        return StudyResult(
            sentence=_sentence(known),
            table=Table(_COLUMNS, list(rows), group="classifier"),
            draw=lambda: draw_grouped_bars(groups, "speed against the full forward"),
            notes=[
                f"{machine.processor}, {threads}, on {machine.device}; torch"
                f" {machine.torch_version}, captum {machine.captum_version}; windows of"
                f" {self.window}×{self.window} pixels at stride {self.stride}, {turns}",
                *_NOTES,
                *(f"{'; '.join(names)}: {reason}" for reason, names in by_reason.items()),
                *([_RANDOM] if any(one["weights"] == "random" for one in networks) else []),
            ],
            about={**vars(machine), "networks": list(networks)},
        )


def _cells(head: str, row: Row) -> list[Cell]:
    return [
        head,
        _NAMES[row.name],
        row.setting,
        row.windows_per_second,
        row.ratio,
        row.error,
        row.rank_correlation,
        row.map_seconds,
        row.peak_memory,
    ]


def _network(classifier: Classifier, rows: tuple[Row, ...]) -> dict[str, Any]:
    return {
        "classifier": classifier.name,
        "weights": classifier.weights,
        "input_size": classifier.preprocessing.model_dump(mode="json")["size"],
        "rows": [vars(row) for row in rows],
    }


def _sentence(rows: list[list[Cell]]) -> str:
    """Name the fastest exact forward of each classifier."""
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        if row[1] in _NOT_EXACT:
            continue
        name = str(row[0]).partition(",")[0]
        best[name] = max(best.get(name, (0.0, "")), (float(row[4] or 0), str(row[1])))
    parts = [
        f"{forward} for {name} ({ratio:.1f} times as fast as full)"
        if ratio > 1
        else f"full for {name}"
        for name, (ratio, forward) in best.items()
    ]
    return f"The fastest exact forward on this computer is {'; '.join(parts)}."

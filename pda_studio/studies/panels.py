"""The study of panels: a figure of a paper, on one's own images and classifiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pda_studio.counts import written
from pda_studio.experiments.presets import PRESETS, Preset
from pda_studio.parameters import OneOf, parameter, same_but
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    StudyProgress,
    StudyResult,
    Table,
    WindowColumn,
    significant,
)
from pda_studio.studies.over_images import OverImages, streamed

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.panels import Panel, PanelMap

_COLUMNS = (
    Column("row", "row"),
    Column("column", "column"),
    Column("target", "target"),
    Column("classifier", "classifier"),
    Column("value", "probability, or value", "number"),
    Column("unit", "unit"),
    Column("strength", "rms evidence", "number"),
    Column("half", "half of it in", "share"),
    Column("to_first", "ρ with the first", "correlation"),
)


class Panels(OverImages):
    """Maps side by side, as a figure of a paper has them."""

    name: ClassVar[str] = "panel"
    title: ClassVar[str] = "Panels of the papers"
    summary: ClassVar[str] = (
        "A figure of a paper made anew from any images and classifiers: sampling, layers, classes,"
        " architectures, and prediction difference analysis under its several names."
    )
    citation: ClassVar[str] = (
        "Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017; Zhou & Kainz,"
        " Efficient image evidence analysis, arXiv 1801.01693, 2018"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"images", "networks"})

    preset: Annotated[str, OneOf(PRESETS)] = parameter(
        "marginal-conditional", "Panel", "Which figure."
    )
    images: int = same_but(OverImages, "images", 5)
    window: int = parameter(
        0,
        "Window",
        "Side k of the windows; 0 takes what suits the classifier.",
        unit="pixels",
        ge=0,
        le=63,
    )
    stride: int = parameter(
        0,
        "Stride",
        "Step from window to window, 1 in the papers; 0 takes half a window.",
        unit="pixels",
        ge=0,
        le=63,
    )
    samples: int = parameter(
        10, "Samples", "How many samples each window gets.", unit="infills", ge=1, le=1000
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same samples.", ge=0, le=2**31)

    def effort(self) -> str:
        """Say which figure it is, and what it takes."""
        chosen = PRESETS[self.preset]
        classes = chosen.down == "classes"
        each = {"settings": "setting", "classifiers": "classifier", "feature maps": "feature map"}
        images = "one image" if chosen.down != "images" else self.how_many()
        what = "one map, as the scores of all classes are kept," if classes else "a map"
        per = "" if classes else f" for each {each[chosen.across]}"
        return f"{chosen.figure}: {what}{per} of {images}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Make one map after the other."""
        from pda_studio.experiments.panels import Making, panel_steps

        classifiers = [one.load() for one in inputs.classifiers] or [inputs.classifier()]
        preset = PRESETS[self.preset]
        making = Making(self.window, self.stride, self.samples, self.seed)
        if preset.across != "classifiers":
            classifiers = classifiers[:1]
        subjects = [self._subjects_of(inputs, one, not at) for at, one in enumerate(classifiers)]
        steps = panel_steps(preset, classifiers, subjects, making)
        yield from streamed(steps, lambda found: self._result(found, preset, classifiers))

    def _subjects_of(self, inputs: Inputs, classifier: Classifier, first: bool) -> Any:
        from pda_studio.experiments.map_work import SubjectInput

        if first or self.folder is not None or inputs.explained is None:
            return self.subjects(inputs, classifier)
        explained = inputs.explained
        return [SubjectInput(inputs.subject_name, lambda: explained(classifier))]

    def _result(
        self, found: Panel, preset: Preset, classifiers: list[Classifier]
    ) -> StudyResult | None:
        from pda_studio.figures import Composition, draw_composition

        if not found.maps:
            return None
        compared = {"columns": "of the first column", "rows": "of the first row"}
        grid = found.grid(preset.title)
        return StudyResult(
            sentence=_sentence(found, preset),
            table=Table(_COLUMNS, [_cells(one, found) for one in found.maps]),
            draw=lambda: draw_composition(grid, Composition(tiles="overlay")),
            notes=[
                f"{preset.title}: {preset.figure}",
                "half of it in: the share of pixels, the strongest first, that hold half of all"
                " absolute evidence",
                f"ρ: Spearman’s correlation with the map {compared[preset.compared]} beside it",
            ],
            about={
                "panel": self.preset,
                "classifiers": [
                    {
                        "classifier": one.name,
                        "weights": one.weights,
                        "fingerprint": one.fingerprint,
                    }
                    for one in classifiers
                ],
            },
            columns=_window_columns(found, preset),
        )


def _cells(one: PanelMap, found: Panel) -> list[Cell]:
    to_first = found.to_first(one)
    return [
        found.rows[one.row],
        found.columns[one.column],
        one.made.target_name,
        one.made.classifier,
        significant(one.made.value, 4),
        one.made.unit,
        significant(one.strength, 4),
        round(one.half, 4),
        None if to_first is None or to_first != to_first else round(to_first, 4),
    ]


def _sentence(found: Panel, preset: Preset) -> str:
    """How far the evidence is spread, and how like the maps are."""
    by_row = preset.down == "layers"
    names = found.rows if by_row else found.columns
    spread, alike = [], []
    for place, name in enumerate(names):
        ones = [one for one in found.maps if (one.row if by_row else one.column) == place]
        if not ones:
            continue
        spread.append(f"{100 * sum(one.half for one in ones) / len(ones):.0f} % ({name})")
        known = [r for one in ones if (r := found.to_first(one)) is not None and r == r]
        if known and not by_row:
            alike.append(f"ρ = {written(sum(known) / len(known))} ({name})")
    text = f"Half of the evidence lies in {', '.join(spread)} of the pixels"
    if alike:
        first = "the likeliest class’s" if preset.compared == "rows" else f"those of {names[0]}"
        others = "maps of the other classes" if preset.compared == "rows" else "maps"
        text += f"; {others} are like {first} by {', '.join(alike)}"
    return f"{text}."


def _window_columns(found: Panel, preset: Preset) -> list[WindowColumn]:
    """The columns that show the same maps in the window, of the open classifier."""
    if preset.across == "classifiers":
        return []
    unique: dict[str, WindowColumn] = {}
    for one in found.maps:
        own_target = preset.down != "images" or preset.across == "feature maps"
        column = WindowColumn(one.method, one.made.target if own_target else None)
        unique.setdefault(repr(column), column)
    return list(unique.values())

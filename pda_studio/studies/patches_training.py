"""The study of patches over a training: when two metrics find neurons that matter, and the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import written
from pda_studio.methods.neurons import Metric, Neurons
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Study,
    StudyProgress,
    StudyResult,
    Table,
)
from pda_studio.studies.over_images import about, streamed
from pda_studio.studies.patches import Patches

if TYPE_CHECKING:
    from pda_studio.experiments.patch_runs import RunScores

COMPARED: tuple[Metric, Metric] = ("activation-output-correlation", "activation-precision")
"""The two metrics that the paper proposes."""

_COLUMNS = [
    Column("checkpoint", "checkpoint"),
    Column("network", "network", "share"),
    Column("correlation", "patches of correlation", "share"),
    Column("precision", "patches of precision", "share"),
    Column("jaccard", "Jaccard", "correlation"),
]


class PatchesOverTraining(Study):
    """The study of patches for each checkpoint of a network's training."""

    name: ClassVar[str] = "patches-training"
    title: ClassVar[str] = "Patches over a training"
    summary: ClassVar[str] = (
        "Whether activation-output correlation and activation precision come to choose the same"
        " neurons while a network is trained, and how well patches of each tell the class."
    )
    citation: ClassVar[str] = (
        "Lengerich et al., Towards visual explanations for convolutional neural networks via"
        " input resampling, 2017, Figs. 2 and 3"
    )

    checkpoints: Path = parameter(
        ...,
        "Weights folder",
        "Folder of the classifier's weights, with a number in each name, as"
        " packaging/make_digits_checkpoints.py writes them.",
    )
    folder: Path = parameter(
        ..., "Image folder", "Images that nothing was learnt from, in a folder for each class."
    )
    top: int = same_but(Neurons, "top", 5)
    shallowest: int = same_but(Neurons, "shallowest", 0)
    deepest: int = same_but(Neurons, "deepest", 100)
    epochs: int = same_but(Patches, "epochs", 10)
    seed: int = same_but(Patches, "seed", 0)

    def effort(self) -> str:
        """A study of patches for each checkpoint."""
        return (
            "For each checkpoint about 100 forward passes for each image, then two trainings of a"
            " small network; finished checkpoints are found."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Take one checkpoint after the other."""
        from pda_studio.experiments.patch_runs import (
            overlap_at_random,
            patch_runs,
            runs_over_training,
        )
        from pda_studio.experiments.patches import Images

        images = Images.of(self.folder)
        classifier = inputs.classifier()
        values = {"top": self.top, "shallowest": self.shallowest, "deepest": self.deepest}
        neurons = Neurons.of_values(values)
        runs = runs_over_training(classifier, self.checkpoints, self.seed)
        expected = overlap_at_random(classifier, neurons)
        measured_on = {
            **about(classifier, len(images.paths)),
            "classes": len(images.class_names),
            "checkpoints": len(runs),
        }
        steps = patch_runs(runs, images, neurons, COMPARED, epochs=self.epochs, read=inputs.read)
        yield from streamed(steps, lambda found: _result(found, expected, measured_on))


def _result(
    found: tuple[RunScores, ...], expected: float, about: dict[str, Any]
) -> StudyResult | None:
    from pda_studio.experiments.patches_figure import draw_training

    found = tuple(run for run in found if len(run.scores) == len(COMPARED))
    if not found:
        return None
    rows: list[list[Cell]] = []
    for run in found:
        accuracies = [one.accuracy for one in run.scores]
        rows.append([run.name, run.accuracy, *accuracies, round(run.scores[0].overlap, 4)])
    random = 1 / about["classes"]
    notes = [
        f"{about['images']} images of {about['classes']} classes; guessing is right in"
        f" {100 * random:.0f} %",
        "network: its accuracy on whole images; patches: that of a small network on patches of"
        " images that it has not seen; Jaccard: index of the neurons that the two metrics choose,"
        f" the mean over images, about {expected:.3f} for neurons drawn at random",
    ]
    if found[0].accuracy is None:
        notes.append("network: not known, as folders are not named after its classes")
    return StudyResult(
        sentence=_sentence(found),
        table=Table(_COLUMNS, rows),
        draw=lambda: draw_training(found, random, expected),
        notes=notes,
        about=about,
    )


def _sentence(found: tuple[RunScores, ...]) -> str:
    from scipy.stats import spearmanr

    overlaps = [run.scores[0].overlap for run in found]
    better = sum(run.scores[1].accuracy > run.scores[0].accuracy for run in found)
    count = len(found)
    text = (
        f"From {found[0].name} to {found[-1].name} the Jaccard index of the two metrics' neurons"
        f" goes from {overlaps[0]:.2f} to {overlaps[-1]:.2f}"
    )
    accuracies = [run.accuracy for run in found if run.accuracy is not None]
    if len(accuracies) == count > 2 and len(set(accuracies)) > 1 and len(set(overlaps)) > 1:
        told = spearmanr(accuracies, overlaps)
        sure = "more" if told.pvalue < 0.05 else "no more"
        text += (
            f", which goes with the network's accuracy by {sure} than chance (Spearman’s ρ"
            f" {written(told.statistic)}, p {told.pvalue:.2g})"
        ).replace("ρ -", "ρ −")
    return (
        f"{text}; patches of activation precision tell the class better than those of"
        f" activation-output correlation at {better} of {count} checkpoints."
    )

"""The study of patches: what the image patches of important neurons are worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pda_studio.methods.neurons import Neurons
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Column, Inputs, Study, StudyProgress, StudyResult, Table

if TYPE_CHECKING:
    from pda_studio.experiments.patches import PatchScore


class Patches(Study):
    """Train a small network on the patches that excite each metric's neurons."""

    name: ClassVar[str] = "patches"
    title: ClassVar[str] = "Patches of neurons"
    summary: ClassVar[str] = (
        "Whether the patches that excite important neurons matter: a small network learns the"
        " class from those of each metric."
    )
    citation: ClassVar[str] = (
        "Lengerich et al., Towards visual explanations for convolutional neural networks via"
        " input resampling, 2017, Sections 5.1 and 5.3"
    )

    folder: Path = parameter(..., "Image folder", "Images, in a folder for each class.")
    masks: Path | None = parameter(
        None,
        "Mask folder",
        "Where the objects are: images of the same names and sizes, white there.",
    )
    top: int = same_but(Neurons, "top", 5)
    shallowest: int = same_but(Neurons, "shallowest", 0)
    deepest: int = same_but(Neurons, "deepest", 100)
    epochs: int = parameter(
        10, "Epochs", "How often the small network sees each patch.", ge=1, le=1000
    )
    seed: int = parameter(
        0, "Seed", "The same seed gives the same noise and training.", ge=0, le=2**32 - 1
    )

    def effort(self) -> str:
        """A ranking for each image, and a small training for each metric."""
        return (
            "About 100 forward passes for each image, then six trainings of a small network:"
            " minutes for a hundred images."
        )

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Cut out the patches of all images, then train on those of each metric."""
        from pda_studio.attribution.ranking import METRICS
        from pda_studio.experiments.patches import Images, patch_study

        images = Images.of(self.folder, self.masks)
        values = {"top": self.top, "shallowest": self.shallowest, "deepest": self.deepest}
        neurons = Neurons.of_values({**values, "seed": self.seed})
        classifier = inputs.classifier()
        classes = len(images.class_names)
        about = {
            "classifier": classifier.name,
            "weights": classifier.weights,
            "fingerprint": classifier.fingerprint,
            "images": len(images.paths),
            "classes": classes,
        }
        total = len(images.paths) + len(METRICS)
        for done, scores in patch_study(
            classifier,
            images,
            neurons,
            epochs=self.epochs,
            seed=self.seed,
            read=inputs.read,
        ):
            result = _result(scores, classes, about) if scores else None
            what = scores[-1].metric if scores else f"image {done} of {len(images.paths)}"
            yield StudyProgress(done, total, what, result)


def _result(scores: list[PatchScore], classes: int, about: dict[str, object]) -> StudyResult:
    from pda_studio.experiments.charts import draw_bars

    chance = 1 / classes
    best = max(scores, key=lambda score: score.accuracy)
    columns = [
        Column("metric", "metric"),
        Column("patches", "patches", "count"),
        Column("accuracy", "accuracy", "share"),
        Column("localisation", "localisation", "share"),
    ]
    found = list(scores)
    better = f"{100 * best.accuracy:.0f} % of the patches of unseen images are classified correctly"
    return StudyResult(
        sentence=f"The patches chosen by {best.metric} hold most of the class: {better}, where"
        f" chance is {100 * chance:.0f} %."
        if best.accuracy > chance
        else f"No metric's patches hold the class: none is above chance, {100 * chance:.0f} %.",
        table=Table(columns, [(s.metric, s.patches, s.accuracy, s.localisation) for s in found]),
        draw=lambda: draw_bars(
            [score.metric for score in found],
            [score.accuracy for score in found],
            "accuracy on patches of unseen images",
            line=(chance, "chance"),
        ),
        notes=[
            f"{about['images']} images of {classes} classes; chance is {100 * chance:.0f} %.",
            "accuracy: of a small network, on patches of images that it has not seen;"
            " localisation: share of patches that hold a part of the object, where there are masks",
        ],
        about=about,
    )

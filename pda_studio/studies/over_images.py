"""What studies of maps share: an image or a folder of them, and results that stream."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pda_studio.errors import UsageError
from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    FolderMaps,
    Inputs,
    Need,
    Study,
    StudyProgress,
    StudyResult,
)

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.map_work import MapStep, SubjectInput
    from pda_studio.methods import Method

Found = TypeVar("Found")


class OverImages(Study):
    """A study of the maps of one image, or of each image of a folder."""

    needs: ClassVar[frozenset[Need]] = frozenset({"images", "methods"})

    folder: Path | None = parameter(
        None,
        "Image folder",
        "Images, also in folders below it, that are explained in place of the single one, each for"
        " its most likely class; or results of batch, whose finished maps are taken; or a plan"
        " (PLAN.toml).",
        files="*.toml",
    )
    images: int = parameter(
        20,
        "Images",
        "How many of the folder, from all over it.",
        unit="images",
        ge=1,
        le=10_000,
    )

    def how_many(self) -> str:
        """How many images, in words."""
        return "one image" if self.folder is None else f"up to {self.images} images"

    def subjects(self, inputs: Inputs, classifier: Classifier) -> list[SubjectInput]:
        """What is explained.

        Raises
        ------
        UsageError
            If there is neither an image nor a folder.
        """
        from pda_studio.experiments.map_work import SubjectInput, subjects_of

        if self.folder is not None:
            return subjects_of(self.folder, self.images, classifier, inputs.read, inputs.source)
        if inputs.subject is None:
            raise UsageError("The study needs an image, or a folder of images: name either.")
        return [SubjectInput(inputs.subject_name, inputs.subject)]

    def explaining(self, inputs: Inputs, classifier: Classifier) -> Sequence[Method]:
        """The methods that explain the images as they are."""
        return () if inputs.methods is None else inputs.methods(classifier)

    def folder_maps(self, inputs: Inputs) -> Generator[MapStep, None, list[FolderMaps]]:
        """A map of each image by each method."""
        yield from ()
        if self.folder is None or "methods" not in self.needs:
            return []
        classifier = inputs.classifier()
        images = files_of(self.subjects(inputs, classifier))
        return [FolderMaps(self.explaining(inputs, classifier), images)]


class OverFolder(OverImages):
    """A study of the maps of each image of a folder, which needs several."""

    needs: ClassVar[frozenset[Need]] = frozenset({"methods"})

    folder: Path = parameter(
        ...,
        "Image folder",
        "Images, also in folders below it; or results of batch, whose finished maps are taken; or"
        " a plan (PLAN.toml).",
        files="*.toml",
    )
    images: int = parameter(
        20, "Images", "How many, from all over the folder.", unit="images", ge=2, le=10_000
    )


def files_of(subjects: Iterable[SubjectInput]) -> list[Path]:
    """The files of a folder's images."""
    return [one.path for one in subjects if one.path is not None]


def streamed(
    steps: Iterable[tuple[MapStep, Found]], result_of: Callable[[Found], StudyResult | None]
) -> Iterator[StudyProgress]:
    """The steps of a study, with a result for each thing that was found."""
    known: object = None
    result: StudyResult | None = None
    for step, found in steps:
        if found is not known:
            known, result = found, result_of(found)
        yield StudyProgress(step.done, step.total, step.doing, result, step.seconds_left)


def mean_with_interval(values: Sequence[float]) -> tuple[Cell, Cell, Cell]:
    """Mean of correlations over images, and its 95 % interval, with four decimals.

    What is not a number is left out; without two that are, there is no interval.
    """
    mean, low, high = mean_with_ends(values, 4)
    if low is None or high is None:
        return mean, None, None
    return mean, max(low, -1.0), min(high, 1.0)


def mean_with_ends(
    values: Sequence[float], decimals: int = 5
) -> tuple[float | None, float | None, float | None]:
    """Mean over images of whatever numbers, and its 95 % interval; see `mean_with_interval`."""
    from pda_studio.metrics.relevance_gain import mean_over_images

    numbers = [value for value in values if value == value]
    if len(numbers) < 2:
        return round(numbers[0], decimals) if numbers else None, None, None
    found = mean_over_images(numbers)
    return round(found.mean, decimals), round(found.low, decimals), round(found.high, decimals)


def known(values: Sequence[float]) -> int:
    """Of how many images a correlation is known: a map that is the same everywhere has none."""
    return sum(value == value for value in values)


def about(classifier: Classifier, images: int) -> dict[str, Any]:
    """What a study was measured on, for its JSON."""
    return {
        "classifier": classifier.name,
        "weights": classifier.weights,
        "fingerprint": classifier.fingerprint,
        "images": images,
    }

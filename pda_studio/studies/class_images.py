"""What studies of the maps of one class share: which images they take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.errors import UsageError
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import FolderMaps, Inputs, Need, StudyProgress, StudyResult
from pda_studio.studies.over_images import OverImages, about, files_of, streamed

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.experiments.map_work import MapStep
    from pda_studio.methods import Method

Members = Literal["predicted", "all"]


class OverClassImages(OverImages):
    """A study of the maps of the images of one class, by one method."""

    needs: ClassVar[frozenset[Need]] = frozenset({"methods"})

    folder: Path = parameter(
        ...,
        "Image folder",
        "Images, also in folders below it, of one class or of many; or results of batch; or a plan"
        " (PLAN.toml).",
        files="*.toml",
    )
    images: int = same_but(OverImages, "images", 1000)
    index: int = parameter(
        -1,
        "Class index",
        "Place of the class among the classifier's outputs, from 0; −1 takes the class that most of"
        " the images are predicted to be.",
        ge=-1,
        le=1_000_000,
    )
    members: Members = parameter(
        "predicted",
        "Class images",
        "predicted: those whose most likely class it is; all: every image of the folder, as of a"
        " class's own folder in a class tree.",
    )

    def effort(self) -> str:
        """A prediction of each image, and a map of those of the class."""
        return (
            f"A prediction for each of up to {self.images} images, and a map of the first method"
            " for those of the class; finished ones are found."
        )

    def carried_out(
        self,
        inputs: Inputs,
        experiment: Callable[..., Iterator[tuple[MapStep, Any]]],
        settings: object,
    ) -> Iterator[StudyProgress]:
        """The steps of an experiment on the maps of the class, with what comes of them.

        Raises
        ------
        UsageError
            If there is no method.
        """
        classifier = inputs.classifier()
        method = self.method(inputs, classifier)
        steps = experiment(
            classifier,
            self.subjects(inputs, classifier),
            method,
            settings,
            index=self.index,
            members=self.members,
        )

        def result_of(found: Any) -> StudyResult | None:
            if found is None:
                return None
            return self.result(found, method.title, about(classifier, len(found.of.images)))

        yield from streamed(steps, result_of)

    def folder_maps(self, inputs: Inputs) -> Generator[MapStep, None, list[FolderMaps]]:
        """A map of each image of the class."""
        from pda_studio.experiments.class_images import images_of_class

        classifier = inputs.classifier()
        method = self.method(inputs, classifier)
        subjects = self.subjects(inputs, classifier)
        of = yield from images_of_class(classifier, subjects, self.index, self.members)
        plan = None if inputs.source is None else inputs.source.plan
        if plan is not None and (plan.target is not None or plan.label_target):
            return [FolderMaps([method], files_of(of.images), of.index)]
        pairs = list(zip(files_of(of.images), of.likeliest, strict=True))
        likely = FolderMaps([method], [file for file, is_it in pairs if is_it])
        others = FolderMaps([method], [file for file, is_it in pairs if not is_it], of.index)
        return [one for one in (likely, others) if one.images]

    @abstractmethod
    def result(self, found: Any, method: str, measured_on: dict[str, Any]) -> StudyResult:
        """What is found of the maps of a method, by its title."""

    def method(self, inputs: Inputs, classifier: Classifier) -> Method:
        """The method that explains: the first one.

        Raises
        ------
        UsageError
            If there is none.
        """
        assert inputs.methods is not None, "it is what the study needs"
        methods = inputs.methods(classifier)
        if not methods:
            raise UsageError("The study needs a method: choose one.")
        return methods[0]

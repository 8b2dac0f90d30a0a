"""Where a study's images come from: a folder, a plan, or results with their finished maps."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pda_studio.batch.explaining import Explaining
from pda_studio.batch.inputs import BatchImage, images_of
from pda_studio.batch.plan import Plan, read_plan
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.classifiers import Classifier
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images import Image, read_image
from pda_studio.methods import Method
from pda_studio.pda.infill.folders import images_in
from pda_studio.results import Result, Subject
from pda_studio.store.maps import load_map


@dataclass(frozen=True)
class ImageSource:
    """Images that are explained one after the other.

    Attributes
    ----------
    images : sequence of BatchImage
        What there is, in a fixed order.
    plan : Plan or None
        What says how they are read and what is explained; None of a plain folder.
    maps : mapping
        Files of finished maps by image and by method; empty without results.
    """

    images: Sequence[BatchImage]
    plan: Plan | None = None
    maps: dict[str, dict[str, list[Path]]] = field(default_factory=dict, repr=False)

    def subject(
        self,
        image: BatchImage,
        classifier: Classifier,
        read: Callable[[Path], Image] | None = None,
    ) -> Subject:
        """What is explained in an image: its likeliest class, or the target of the plan.

        Parameters
        ----------
        image : BatchImage
            One of the images.
        classifier : Classifier
            What is explained.
        read : callable, optional
            Reads an image of a plain folder; without it, `read_image` does.

        Raises
        ------
        PdaStudioError
            If the image cannot be read or the classifier has no such target.
        """
        made = self._subject(image, classifier, read)
        files = self.maps.get(image.path, {})
        return replace(made, finished=lambda *wanted: _found(files, *wanted)) if files else made

    def _subject(
        self, image: BatchImage, classifier: Classifier, read: Callable[[Path], Image] | None
    ) -> Subject:
        if self.plan is None:
            return Subject.of((read or read_image)(Path(image.path)), classifier)
        explaining = Explaining(self.plan)
        pixels = explaining.read(image).image
        made = (
            pixels
            if isinstance(pixels, Exception)
            else explaining.subject(pixels, classifier, image.label)
        )
        if isinstance(made, Exception):
            raise made
        return made


def plan_at(path: Path) -> Plan | None:
    """The plan that a file is, or that a folder holds results of; None for a plain folder.

    Raises
    ------
    PdaStudioError
        If the plan cannot be used.
    """
    if path.is_file() and path.suffix.lower() == ".toml":
        return read_plan(path)
    results = ResultFolder(path)
    if not (results.folder / "rows").is_dir() or not results.plan.is_file():
        return None
    return read_plan(results.plan)


def source_at(path: Path) -> ImageSource:
    """The images of a folder of images, of a folder of results, or of a plan (PLAN.toml).

    Raises
    ------
    PdaStudioError
        If there are no images, or the plan cannot be used.
    """
    plan, results = plan_at(path), ResultFolder(path)
    if plan is None:
        return ImageSource([BatchImage(str(one), one.name) for one in images_in(path)])
    if path.is_file():
        return ImageSource(images_of(plan.inputs), plan)
    images, maps = finished_in(results)
    if not images:
        raise PdaStudioError(f"There are no results in {path} yet: run pda-studio batch first.")
    return ImageSource(sorted(images.values(), key=lambda one: one.name), plan, maps)


def finished_in(
    results: ResultFolder,
) -> tuple[dict[str, BatchImage], dict[str, dict[str, list[Path]]]]:
    """The images that have a map in a folder of results, and these maps, by the images' files."""
    images: dict[str, BatchImage] = {}
    maps: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for file in results.row_files():
        for _, row in rows_in(file):
            if row.get("map"):
                at = str(row["path"])
                images[at] = BatchImage(at, str(row["image"]), str(row["label"]))
                maps[at][str(row["method"])].append(results.map_of(str(row["job"])))
    return images, dict(maps)


def _found(files: dict[str, list[Path]], method: Method, subject: Subject) -> Result | None:
    """A finished map of a subject that is what the method would compute, if there is one."""
    for path in dict.fromkeys(files.get(method.name, ())):
        try:
            result = load_map(path)
        except PdaStudioError:  # damaged, or gone
            continue
        if (
            result.complete
            and _is_of(result, subject)
            and _is_by(result, method)
            and not _has_changed(method, path.stat().st_mtime)
        ):
            return result.replace(**subject.described(method))
    return None


def _is_of(result: Result, subject: Subject) -> bool:
    """Whether a result is of this image, classifier and target."""
    classifier, told = subject.classifier, result.probabilities
    return (
        result.target == subject.target
        and result.limits == subject.limits
        and (result.classifier, result.fingerprint) == (classifier.name, classifier.fingerprint)
        and np.array_equal(result.view, subject.view)
        and told.shape == subject.probabilities.shape
        # Weights alone do not make a network, and the same one differs in last digits elsewhere.
        and np.allclose(told, subject.probabilities, rtol=1e-3, atol=1e-5)
    )


def _is_by(result: Result, method: Method) -> bool:
    """Whether a result is of this method, with the same values of all that plays a part."""
    try:
        made = type(method).of_values(result.parameters)
    except UsageError:  # of another version
        return False
    return _active(made) == _active(method)


def _active(method: Method) -> dict[str, object]:
    inactive = method.inactive()
    return {name: value for name, value in method if name not in inactive}


def _has_changed(method: Method, since: float) -> bool:
    """Whether a file that a parameter names was changed since."""
    named = [value for _, value in method if isinstance(value, Path)]
    return any(path.exists() and path.stat().st_mtime > since for path in named)

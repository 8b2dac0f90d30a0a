"""What a plan comes to: settings, and jobs, each with a name that never changes."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.plan import Plan, PlannedClassifier, PlannedMethod
from pda_studio.classifiers.answers import answers_beside
from pda_studio.classifiers.entry import is_file
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.methods import method_named

_HOW = {"inputs", "classifiers", "methods", "batch_size"}
"""Entries of a plan that do not change what one of its results is."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One classifier with one method, and all else but the image that a map depends on.

    Attributes
    ----------
    name : str
        For people, with a hash of all that it depends on, as the content of named files.
    classifier : PlannedClassifier
        What is explained.
    method : PlannedMethod
        What explains.
    """

    name: str
    classifier: PlannedClassifier
    method: PlannedMethod

    def job(self, image: BatchImage) -> str:
        """The name of the job of this setting and an image."""
        return f"{self.name}/{image.name}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Jobs that share an image and a classifier, so that both are at hand once.

    Attributes
    ----------
    image : BatchImage
        What is read.
    settings : tuple of Setting
        All of one classifier.
    """

    image: BatchImage
    settings: tuple[Setting, ...]

    @property
    def name(self) -> str:
        """What claims know it by, whatever is left of it to be done."""
        classifier = self.settings[0].classifier
        return json.dumps([self.image.name, *classifier.about.values()])


def settings_of(plan: Plan) -> list[Setting]:
    """Each method with each classifier, classifier by classifier.

    Raises
    ------
    PdaStudioError
        If a named file is missing.
    UsageError
        If two settings are the same.
    """
    common = plan.model_dump(mode="json", exclude_none=True, exclude=_HOW)
    made = []
    for classifier in plan.classifiers:
        contents = _contents(classifier)
        for method in plan.methods:
            about = {
                **common,
                **classifier.about,
                "contents": contents + _files_of(method),
                "method": method.model_dump(mode="json"),
            }
            text = json.dumps(about, sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            short = short_name(classifier.name)
            made.append(Setting(f"{short}-{method.name}-{digest}", classifier, method))
    names = [setting.name for setting in made]
    if len(set(names)) < len(names):
        raise UsageError("A classifier and a method are named twice with the same parameters.")
    return made


def bundles_of(
    images: Sequence[BatchImage], settings: Sequence[Setting]
) -> Iterator[tuple[PlannedClassifier, list[Bundle]]]:
    """All jobs, classifier by classifier: each is loaded once."""
    for classifier in dict.fromkeys(setting.classifier for setting in settings):
        own = tuple(setting for setting in settings if setting.classifier == classifier)
        yield classifier, [Bundle(image, own) for image in images]


def short_name(classifier: str) -> str:
    """What a setting's name begins with: its classifier's, in signs that all disks take."""
    return re.sub(r"[^\w.-]+", "_", Path(classifier).name)[:60]


def _contents(classifier: PlannedClassifier) -> list[str]:
    """Hashes of a classifier's files: a name may come to hold other weights."""
    files = []
    if is_file(classifier.name):
        files += [Path(classifier.name), answers_beside(Path(classifier.name))]
        if not files[0].exists():
            raise PdaStudioError(f"There is no classifier at {files[0]}; check the name.")
    if classifier.weights and Path(classifier.weights).suffix:
        files.append(Path(classifier.weights))
    return [_digest(path) for path in files if path.exists()]


def _files_of(method: PlannedMethod) -> list[str]:
    """Hashes of the files that a method's parameters name."""
    paths = [known.name for known in method_named(method.name).parameters() if known.kind == "path"]
    named = (Path(method.parameters[name]) for name in paths if method.parameters.get(name))
    return [_digest(path) for path in named if path.exists()]


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and sizes in a folder."""
    if path.is_dir():
        below = sorted(one for one in path.rglob("*") if one.is_file())
        text = json.dumps([[one.relative_to(path).as_posix(), one.stat().st_size] for one in below])
        return hashlib.sha256(text.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

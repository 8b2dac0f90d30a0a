"""Reading an image of a batch, and explaining it: one image's trouble is its own."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import Setting
from pda_studio.batch.plan import Plan
from pda_studio.batch.results import FileState
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.named_targets import target_named, target_of_label
from pda_studio.images import DisplayLimits, Image, read_image
from pda_studio.methods import method_named, run
from pda_studio.results import Result, Subject
from pda_studio.targets import Target

Made = TypeVar("Made")


@dataclass(frozen=True)
class ReadImage:
    """What was read of an image.

    Attributes
    ----------
    image : Image or Exception
        The image itself, or why it cannot be read.
    state : FileState
        What tells its file from a later one.
    """

    image: Image | Exception
    state: FileState

    @property
    def notes(self) -> str:
        """What was left out or decided."""
        return "" if isinstance(self.image, Exception) else " ".join(self.image.notes)


class Explaining:
    """Explains images as a plan says.

    Parameters
    ----------
    plan : Plan
        Target, model input and batch size.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._batch = plan.batch_size

    def read(self, image: BatchImage) -> ReadImage:
        """Read an image; what goes wrong is part of what is returned."""
        plan, state = self._plan, FileState.of(image.path)
        try:
            with open(image.path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            state = state._replace(sha256=digest)
            read = read_image(image.path, plan.page, plan.plane)
            if plan.limits is not None:
                read = read.with_limits(DisplayLimits(*plan.limits))
            return ReadImage(read, state)
        except Exception as error:
            return ReadImage(error, state)

    def results(
        self,
        image: Image | Exception,
        settings: tuple[Setting, ...],
        loaded: Classifier,
        label: str = "",
    ) -> Iterator[tuple[Setting, tuple[Subject, Result] | Exception]]:
        """Explain an image with a classifier by each setting; or tell why that cannot be done."""
        if not settings:
            return
        subject = image if isinstance(image, Exception) else self.subject(image, loaded, label)
        for setting in settings:
            if isinstance(subject, Exception):
                yield setting, subject
                continue
            made = _attempted(lambda s=setting, about=subject: _explained(s, about))  # type: ignore[misc]
            while isinstance(made, Exception) and _is_lack_of_memory(made):
                smaller = (subject.batch or 1) // 2
                if not smaller:
                    break
                self._batch, subject = smaller, replace(subject, batch=smaller)
                made = _attempted(lambda s=setting, about=subject: _explained(s, about))  # type: ignore[misc]
            yield setting, made if isinstance(made, Exception) else (subject, made)

    def subject(self, image: Image, loaded: Classifier, label: str = "") -> Subject | Exception:
        """What is explained in an image with a label; or why it cannot be."""
        plan = self._plan

        def made() -> Subject:
            named = plan.target, plan.against, plan.layer, plan.unit
            if plan.label_target:
                target: Target | None = target_of_label(loaded, label)
            else:
                target = target_named(loaded, image, *named)
            return Subject.of(image, loaded, target, self._batch).with_fixed_batch()

        return _attempted(made)


def _explained(setting: Setting, subject: Subject) -> Result:
    """The map that `explain` computes."""
    kind = method_named(setting.method.name)
    method = kind.create(subject.classifier, **setting.method.parameters)
    return run(method.steps(subject))


def _attempted(work: Callable[[], Made]) -> Made | Exception:
    """What work makes, or the error that it raises."""
    try:
        return work()
    except Exception as error:
        return error


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory, on the GPU or, under another name, on the CPU."""
    is_torchs = type(error).__name__ == "OutOfMemoryError" or "not enough memory" in str(error)
    return is_torchs or isinstance(error, MemoryError)

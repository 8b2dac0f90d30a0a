"""The edits of what of the opened image becomes the model input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pda_studio.document.workspace import ClassifierChoice, SourceImage, Workspace
from pda_studio.images.fit import CropBox

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.gui.session.session import Session


class ModelInputEdits:
    """Edits the fit and the crop of a session's classifiers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def use(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Put the open network to work with another model input; parameters stay as they are."""
        session = self._session
        self._keep(choice, classifier)
        session.edit(replace(session.work, classifier=choice))
        session.loaded.emit(choice)

    def set_crop(self, crop: CropBox | None) -> None:
        """Let another rectangle of the opened image become the model input; None is its middle."""
        choice, loaded = self._session.work.classifier, self._session.classifier
        if choice is None or loaded is None:
            return
        if (loaded.preprocessing.fit, loaded.preprocessing.crop) != ("crop", crop):
            other = replace(choice, fit="crop", crop=crop)
            self.use(other, loaded.with_fit("crop", crop))

    def for_image(self, work: Workspace, image: SourceImage | None) -> Workspace:
        """The work with another image opened: a crop belongs to images of one size."""
        before = work.image
        if image is not None and before is not None and image.size == before.size:
            return replace(work, image=image)
        return self.without_crops(replace(work, image=image))

    def without_crops(self, work: Workspace) -> Workspace:
        """The work with the middle of the image for all classifiers that have a crop."""
        columns = tuple(
            replace(column, classifier=self._whole(column.classifier)) for column in work.columns
        )
        return replace(work, classifier=self._whole(work.classifier), columns=columns)

    def _whole(self, choice: ClassifierChoice | None) -> ClassifierChoice | None:
        if choice is None or choice.crop is None:
            return choice
        other, loaded = replace(choice, crop=None), self._session.classifiers.get(choice)
        if loaded is not None:
            self._keep(other, loaded.with_fit(choice.fit))
        return other

    def _keep(self, choice: ClassifierChoice, classifier: Classifier) -> None:
        """Keep a loaded network under its choice, as the newest; one that is there stays."""
        known = self._session.classifiers
        known[choice] = known.pop(choice, classifier)

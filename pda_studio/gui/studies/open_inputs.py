"""What a study is carried out on in the window: what is open, and the columns of the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from pda_studio.document.model_input import classifier_of_row
from pda_studio.document.operations import changed, described
from pda_studio.errors import UsageError
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.session.session import Session

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.document.workspace import Column, Row
    from pda_studio.methods import Method
    from pda_studio.report import Origin
    from pda_studio.results import Subject
    from pda_studio.studies import Inputs, Study, StudyResult
    from pda_studio.targets import Target

_IMAGE = {"subject", "images"}
translate = QCoreApplication.translate


@dataclass(frozen=True, eq=False)
class Carried:
    """A study that was carried out.

    Attributes
    ----------
    study : Study
        With its parameters.
    origin : Origin
        What it was carried out on.
    note : str
        What a command cannot say of that.
    result : StudyResult or None
        What it found, once it has.
    """

    study: Study
    origin: Origin
    note: str = ""
    result: StudyResult | None = None


def open_inputs(session: Session, inspection: Inspection, kind: type[Study]) -> Inputs:
    """The classifier, the image, the target and the methods that are open.

    Raises
    ------
    UsageError
        If what the study needs is not there.
    """
    from pda_studio.studies import ClassifierInput, Inputs

    if kind.alone:
        return Inputs([])
    column, row = session.selected_column, session.selected_row
    classifier = session.classifier_of(column) if column else session.classifier
    if classifier is None:
        raise UsageError(
            translate("studies", "Open a classifier first, or wait until it is loaded.")
        )
    image = session.work.image_of(row)
    target = session.target_of(column) if column else None
    subject = explained = None
    if kind.needs & _IMAGE and image is not None and target is not None:

        def of_classifier(loaded: Classifier) -> Subject:
            from pda_studio.results import Subject

            size = image.image.width, image.image.height
            of_row = classifier_of_row(loaded, row, *size)
            wanted = target if loaded is classifier else None
            return Subject.of(changed(image.image, row.operations), of_row, wanted)

        explained = of_classifier

        def subject() -> Subject:
            return of_classifier(classifier)

    if subject is None and "subject" in kind.needs:
        raise UsageError(translate("studies", "Open an image first."))
    columns = [one for one in session.work.columns if not one.method.combines]

    def methods(loaded: Classifier) -> list[Method]:
        unique: dict[str, Method] = {}
        for column in columns:
            method = column.method
            if not column.suited:
                method = type(method).create(loaded)
            unique.setdefault(repr(method), method)
        return list(unique.values())

    clicked = inspection.pixel
    classifiers = [classifier]
    if "networks" in kind.needs:
        classifiers = _several(session, classifier)
    return Inputs(
        [ClassifierInput(one.name, lambda one=one: one) for one in classifiers],  # type: ignore[misc]
        subject,
        image.name if image is not None else "",
        methods,
        pixel=None if clicked is None else (clicked.column, clicked.row),
        explained=explained,
    )


def inputs_in_words(session: Session, kind: type[Study]) -> str:
    """Say what a study would be carried out on now."""
    if kind.alone:
        return ""
    column = session.selected_column
    classifier = session.classifier_of(column) if column else session.classifier
    names = classifier.name if classifier else "–"
    if classifier and "networks" in kind.needs:
        names = ", ".join(one.name for one in _several(session, classifier))
    parts = [translate("studies", "Classifier: {0}").format(names)]
    if kind.needs & _IMAGE:
        image = session.work.image_of(session.selected_row)
        parts.append(translate("studies", "Image: {0}").format(image.name if image else "–"))
    if "methods" in kind.needs:
        columns = session.work.columns
        titles = [one.method.title for one in columns if not one.method.combines]
        listed = ", ".join(dict.fromkeys(titles))
        parts.append(translate("studies", "Methods, of the grid's columns: {0}").format(listed))
    return "\n".join(parts)


def _several(session: Session, first: Classifier) -> list[Classifier]:
    """The classifier, and those of the other columns that are loaded."""
    others = [session.classifier_of(one) for one in session.work.columns]
    unique = {id(one): one for one in (first, *others) if one is not None}
    return list(unique.values())


def carried(session: Session, study: Study) -> Carried:
    """A study and what it is carried out on now."""
    row, column = session.selected_row, session.selected_column
    target = session.target_of(column) if column else None
    of_image = study.needs & _IMAGE and getattr(study, "folder", None) is None
    note = left_out(row) if of_image else ""
    several = "networks" in study.needs
    return Carried(study, origin_of(session, row, column, target, several=several), note)


def left_out(row: Row) -> str:
    """What a command cannot say of a row."""
    if not row.operations:
        return ""
    text = translate("studies", "The image was changed before, which the command leaves out: {0}.")
    return text.format(described(row.operations))


def origin_of(
    session: Session,
    row: Row,
    column: Column | None,
    target: Target | None,
    *,
    several: bool = False,
) -> Origin:
    """What a column's map of a row, or a study, is made from."""
    from pda_studio.report import Origin

    work = session.work
    image = work.image_of(row)
    choices = [work.choice_of(column)] if column else [work.classifier]
    if several:
        choices += [work.choice_of(one) for one in work.columns]
    named = dict.fromkeys(choice.network for choice in choices if choice is not None)
    first = choices[0]
    return Origin(
        image.path if image is not None else None,
        tuple(named),
        target,
        tuple(one.method for one in work.columns if not one.method.combines),
        first.fit if first is not None else None,
        first.crop if first is not None else None,
    )

"""The plan that what is open makes: classifiers and methods of the grid's columns."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from pda_studio.batch.plan import Plan, PlannedClassifier, PlannedMethod
from pda_studio.document.workspace import ClassifierChoice, Column
from pda_studio.errors import UsageError
from pda_studio.gui.session.session import Session

translate = QCoreApplication.translate


def open_plan(session: Session, images: str) -> Plan:
    """Every method of the grid with every classifier of it, on the images that a text names.

    Each image is explained for its likeliest class. What of an image the networks get is what the
    first column's does.

    Raises
    ------
    UsageError
        If there is no column that can be computed by itself.
    """
    columns = computed_columns(session)
    choices = choices_of(session)
    if not columns or not choices:
        raise UsageError(translate("batch", "Open a classifier and a method first."))
    methods = {repr(method := _planned(column)): method for column in columns}
    return Plan(
        inputs=(images,),
        classifiers=tuple(PlannedClassifier(name=one.name, weights=one.weights) for one in choices),
        methods=tuple(methods.values()),
        fit=choices[0].fit,
        crop=choices[0].crop,
    )


def computed_columns(session: Session) -> list[Column]:
    """The columns whose maps are computed: those that combine others are none of a plan."""
    return [one for one in session.work.columns if not one.method.combines]


def choices_of(session: Session) -> list[ClassifierChoice]:
    """The classifiers of the columns, each once."""
    found: dict[tuple[str, str | None], ClassifierChoice] = {}
    for column in computed_columns(session):
        choice = session.work.choice_of(column)
        if choice is not None:
            found.setdefault(choice.network, choice)
    return list(found.values())


def seconds_an_image(session: Session) -> float | None:
    """How long an image takes, by the finished maps of the selected row; None as long as unknown.

    Of every classifier each method is taken to need as long as where it was measured.
    """
    row = session.selected_row
    seconds = []
    for column in computed_columns(session):
        found = session.panel(row.key, column.key).evidence
        if found is None or not found.complete:
            return None
        seconds.append(found.seconds)
    planned = {repr(_planned(column)) for column in computed_columns(session)}
    return sum(seconds) / len(seconds) * len(planned) * len(choices_of(session))


def _planned(column: Column) -> PlannedMethod:
    method = column.method
    values = method.model_dump(mode="json", exclude_none=True) if column.suited else {}
    return PlannedMethod(name=method.name, parameters=values)

"""The plan that what is open makes: classifiers and methods of the grid's columns."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication

from pda_studio.batch.plan import Plan, PlannedClassifier, PlannedMethod
from pda_studio.document.workspace import ClassifierChoice, Column
from pda_studio.errors import UsageError
from pda_studio.gui.session.session import Session
from pda_studio.targets import ContrastTarget, UnitTarget, options_of

translate = QCoreApplication.translate


LIKELIEST, LABEL, NAMED, OPEN = "likeliest", "label", "named", "open"
"""What is explained of each image: its likeliest class, the class of its label, a class that is
named, or what the open work explains."""


def open_plan(session: Session, images: str, target: str = LIKELIEST, named: str = "") -> Plan:
    """Every method of the grid with every classifier of it, on the images that a text names.

    Each classifier gets of an image what it gets in the grid.

    Parameters
    ----------
    session : Session
        What is open.
    images : str
        A folder or a list.
    target : str
        What is explained of each image.
    named : str
        The class, by its name or index, if one is named.

    Raises
    ------
    UsageError
        If there is no column that can be computed by itself, or no such class.
    """
    columns = computed_columns(session)
    choices = choices_of(session)
    if not columns or not choices:
        raise UsageError(translate("batch", "Open a classifier and a method first."))
    methods = {repr(method := _planned(column)): method for column in columns}
    return Plan(
        inputs=(images,),
        classifiers=tuple(
            PlannedClassifier(name=one.name, weights=one.weights, fit=one.fit, crop=one.crop)
            for one in choices
        ),
        methods=tuple(methods.values()),
        **_target(session, target, named.strip()),
    )


def _target(session: Session, target: str, named: str) -> dict[str, Any]:
    """The target as entries of a plan."""
    if target == LABEL:
        return {"label_target": True}
    if target == NAMED:
        if not named:
            raise UsageError(translate("batch", "Name the class that is explained."))
        if session.classifier is not None:
            session.classifier.class_index(named)  # refuses what is none
        return {"target": named}
    explained = session.target if target == OPEN else None
    return {} if explained is None else dict(options_of(explained))


def has_own_target(session: Session) -> bool:
    """Whether what is open explains what no class of an image's says: a contrast, a hidden unit."""
    return isinstance(session.work.target, ContrastTarget | UnitTarget)


def computed_columns(session: Session) -> list[Column]:
    """The columns whose maps are computed: those that combine others are none of a plan."""
    return [one for one in session.work.columns if not one.method.combines]


def choices_of(session: Session) -> list[ClassifierChoice]:
    """The classifiers of the columns, each once."""
    choices = (session.work.choice_of(column) for column in computed_columns(session))
    return list(dict.fromkeys(one for one in choices if one is not None))


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

"""What stands over a column: what tells it from the others, the most telling first."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from pda_studio.document.workspace import ClassifierChoice, Column
from pda_studio.gui.session.session import Session
from pda_studio.targets import ClassTarget, OutputTarget, name_of


def heading(session: Session, column: Column) -> tuple[str, str]:
    """A column's title and a line of details.

    The title is the method, or the classifier where the columns differ in their classifiers and
    not in their methods; the details begin with the other of the two.
    """
    columns = session.work.columns
    choices = {session.work.choice_of(one) for one in columns if not one.method.combines}
    choice, method = session.work.choice_of(column), column.method.title
    parts = []
    title = method
    if not column.method.combines and choice is not None and len(choices) > 1:
        classifier = _called(choice, choices)
        same_method = len({type(one.method) for one in columns}) == 1
        title, other = (classifier, method) if same_method else (method, classifier)
        parts.append(other)
    parts.append(own_target(session, column))
    if column.method.combines:
        mean = QCoreApplication.translate("Headings", "mean of {0}")
        parts.append(mean.format(len(session.sources(column))))
    else:
        parts.append(summarised(column))
    return title, " · ".join(filter(None, parts))


def own_target(session: Session, column: Column) -> str:
    """What a column asks about, where the list of classes does not show it; else ""."""
    target = session.target_of(column)
    in_list = column.target is None and isinstance(target, ClassTarget | OutputTarget)
    if target is None or in_list:
        return ""
    classifier = session.classifier_of(column)
    return name_of(target, classifier.class_names if classifier else ())


def _called(choice: ClassifierChoice, others: set[ClassifierChoice | None]) -> str:
    """A classifier's name; with its weights where another one has the same name."""
    alike = any(one and one != choice and one.name == choice.name for one in others)
    return choice.described if alike else choice.title


def summarised(column: Column) -> str:
    """A column's most telling parameters in one line: those that have a symbol."""
    method, inactive = column.method, column.method.inactive()
    plain: list[str] = []  # what needs no symbol comes first
    others: list[str] = []
    for one in method.parameters():
        if one.symbol is not None and one.name not in inactive:
            text = f"{one.symbol} {getattr(method, one.name)}".strip()
            (others if one.symbol else plain).append(text)
    return " · ".join([*plain, *others])

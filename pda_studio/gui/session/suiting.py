"""Columns made to suit a classifier: its input's size, its layers, the values it starts with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pda_studio.document.workspace import Column
from pda_studio.methods import Method, method_named

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier


def with_method(
    column: Column, method: str | Method, classifier: Classifier | None, earlier: Column | None
) -> Column:
    """The column with a method as it is; or by its name, with what was set in an earlier column."""
    if not isinstance(method, str):
        return replace(column, method=method, suited=True)
    kind = method_named(method)
    if classifier is None:
        return replace(column, method=kind(), suited=False)
    known = earlier.method if earlier is not None and earlier.suited else None
    return replace(column, method=kind.adopting(known, classifier), suited=True)


def suited(column: Column, classifier: Classifier) -> Column:
    """The column with parameters that suit another classifier."""
    earlier = column.method if column.suited else None
    method = type(column.method).adopting(earlier, classifier, new_classifier=True)
    return replace(column, method=method, suited=True)


def fitted(column: Column, classifier: Classifier) -> Column:
    """The column with the same parameters, as far as the classifier's input has room."""
    if not column.suited:
        return suited(column, classifier)
    return replace(column, method=column.method.with_changes(classifier.shorter_side))


def without_layers(column: Column, classifier: Classifier | None) -> Column:
    """The column as another network can take it, which has other layers; None: not loaded yet."""
    known = column.method.parameters()
    layers = {one.name: one.default for one in known if one.kind == "layer"}
    column = replace(column, method=column.method.model_copy(update=layers))
    return column if classifier is None else fitted(column, classifier)

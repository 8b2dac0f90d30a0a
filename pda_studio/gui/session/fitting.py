"""Parameters that go together: bounds that follow one another instead of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pda_studio.document.workspace import COMBINED

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.methods import Method
    from pda_studio.parameters import Parameter

_SMALL_INPUT = 64
_FIRST_STRIDE = 4


def kind_of(method: str) -> type[Method]:
    """The declaration of a method; imports the engine when first asked."""
    from pda_studio.methods import method_named
    from pda_studio.methods.combined import Combined

    return Combined if method == COMBINED else method_named(method)


def start_parameters(method: str, classifier: Classifier) -> dict[str, Any]:
    """What suits the classifier; with a stride that answers in seconds on large inputs."""
    kind = kind_of(method)
    values: dict[str, Any] = kind.create(classifier).model_dump()
    if "stride" in values and classifier.input_size > _SMALL_INPUT:
        values["stride"] = _FIRST_STRIDE
    return fitted(kind, values, classifier)


def carried_over(
    method: str, earlier: Mapping[str, Any], classifier: Classifier, *, new_classifier: bool
) -> dict[str, Any]:
    """Parameters for a method or classifier that is new in a column: what still means the same.

    A method declares its own choices and what it does at which layer, and a classifier its own
    sizes; everything else the user has set stays.
    """
    kind = kind_of(method)
    values = start_parameters(method, classifier)
    own = {p.name for p in kind.parameters() if p.kind in ("choice", "layer")}
    if new_classifier:
        layers = {p.name for p in kind.parameters() if p.kind == "layer"}
        own = {*kind.suited_to(classifier), *layers, "stride"}
    kept = {name: value for name, value in earlier.items() if name in values and name not in own}
    return fitted(kind, {**values, **kept}, classifier)


def bounds(
    parameter: Parameter, values: Mapping[str, Any], inactive: frozenset[str], input_size: int
) -> tuple[float | None, float | None]:
    """Bounds of a number beside the other values: what its slider and spin box allow."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.name in ("window", "outer", "stride") and high is not None:
        high = min(high, input_size)
    if parameter.name == "window" and "outer" in values and "outer" not in inactive:
        high = min(high or input_size, 63, input_size - 1)
    if parameter.name == "outer" and "window" in values:
        low = max(low or 0, values["window"] + 1)
    if parameter.name == "stride" and "window" in values:
        high = min(high or input_size, values["window"])
    return low, high


def fitted(kind: type[Method], values: Mapping[str, Any], classifier: Classifier) -> dict[str, Any]:
    """Move every number into its bounds; the window comes first, its partners follow it."""
    result = dict(values)
    inactive = inactive_by(kind, result)
    for known in kind.parameters():
        if known.kind not in ("integer", "number") or result[known.name] is None:
            continue
        low, high = bounds(known, result, inactive, classifier.input_size)
        value = result[known.name]
        if low is not None and high is not None and low > high and known.name == "outer":
            continue  # plays no part beside a window this large
        value = value if low is None else max(value, low)
        value = value if high is None else min(value, high)
        result[known.name] = int(value) if known.kind == "integer" else float(value)
    return result


def inactive_by(kind: type[Method], values: Mapping[str, Any]) -> frozenset[str]:
    """Names of the parameters that play no part; values may still be out of their bounds."""
    return kind.model_construct(**dict(values)).inactive()

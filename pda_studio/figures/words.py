"""What figures say of maps: the decision, how each was made, and how it differs from the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from pda_studio.diagnostics import SUMMED, ReadAt, warnings
from pda_studio.methods import METHODS
from pda_studio.pda.options import AUTO
from pda_studio.results import EvidenceMap, Result
from pda_studio.targets import UNITS

NO_BREAK = "\N{NO-BREAK SPACE}"


def decision(evidence_map: Result) -> tuple[str, str, float | None]:
    """What a map is about: maps of one decision have the same."""
    m = evidence_map
    return m.target_name, m.fingerprint, None if math.isnan(m.value) else round(m.value, 6)


def percent(evidence_map: Result) -> str:
    """The target's probability, never rounded to a certainty that it is not."""
    share = 100 * evidence_map.value
    if 0 < share < 0.01:
        return "< 0.01 %"
    if 99.99 < share < 100:
        return "> 99.99 %"
    return f"{share:.2f} %" if share < 1 or share > 99 else f"{share:.1f} %"


def value_of(evidence_map: Result, *, named: bool = True) -> str:
    """What the network says of the target: “P(name) 73.0 %”, or “name 3.21” of a plain value.

    Where the name stands elsewhere, “probability 73.0 %” or the plain value.
    """
    m = evidence_map
    if m.has_probability:
        return f"P({m.target_name}) {percent(m)}" if named else f"probability {percent(m)}"
    number = "" if math.isnan(m.value) else f"{m.value:.3g}"
    return f"{m.target_name} {number}".strip() if named else number


def headline_of(evidence_map: Result) -> str:
    """What stands of the target above a figure that names it: its probability, or its value."""
    if evidence_map.has_probability:
        return f"probability {percent(evidence_map)}"
    kind = "hidden unit" if evidence_map.output in ("activation", "unknown") else ""
    number = value_of(evidence_map, named=False)
    what = f"{UNITS[evidence_map.output]} {number}" if number else ""
    return ", ".join(filter(None, (kind, what)))


def held(text: str) -> str:
    """A text whose numbers and their signs stay together."""
    return (
        text.replace(" %", f"{NO_BREAK}%")
        .replace("r ", f"r{NO_BREAK}")
        .replace("top 5", f"top{NO_BREAK}5")
    )


def unfinished(evidence_map: Result) -> str:
    """How far an unfinished map has come; "" of a finished one."""
    if evidence_map.complete:
        return ""
    if not isinstance(evidence_map, EvidenceMap) or evidence_map.covered is None:
        return "unfinished"
    return f"unfinished, {int(100 * evidence_map.covered.mean())} % covered"


def details(evidence_map: Result, maps: Sequence[Result]) -> str:
    """How a map differs from the others in the figure, other than by its method."""
    parts = []
    if len({m.fingerprint for m in maps}) > 1:
        parts.append(evidence_map.classifier)
    alike = [_used(m) for m in maps if m.title == evidence_map.title]
    own = _used(evidence_map)
    parts += [
        text.removesuffix(unit)
        for name, (text, unit) in own.items()
        if any(other.get(name) != (text, unit) for other in alike)
    ]
    return ", ".join(parts)


def caption(columns: Iterable[tuple[str, Sequence[Result]]]) -> list[str]:
    """How the maps were made: a paragraph for each method, one for the classifiers.

    Parameters
    ----------
    columns : iterable of (str, sequence of Result)
        What each column of maps is called, and its maps; parameters that columns of one method
        do not share are listed for each under that name.
    """
    named = [(name, list(maps)) for name, maps in columns if maps]
    methods: dict[str, list[tuple[str, list[Result]]]] = {}
    for name, maps in named:
        methods.setdefault(maps[0].title, []).append((name, maps))
    paragraphs = [_paragraph(title, group) for title, group in methods.items()]
    classifiers = {
        f"{m.classifier} (weights {m.weights}, {m.fingerprint[:8]})": None
        for _, maps in named
        for m in maps
    }
    word = "Classifier" if len(classifiers) == 1 else "Classifiers"
    return [*paragraphs, f"{word}: {'; '.join(classifiers)}."]


def _paragraph(title: str, group: list[tuple[str, list[Result]]]) -> str:
    """What the columns of one method share, and then what each has alone."""
    columns: list[tuple[str, dict[str, str]]] = []
    for name, maps in group:
        values = {key: text.replace(" ", NO_BREAK) for key, (text, _) in _resolved(maps[0]).items()}
        # How the maps of a column came about may differ from row to row.
        if how := _how(maps):
            values["forward"] = how
        if values not in [other for _, other in columns]:
            columns.append((name, values))
    first = columns[0][1].items()
    shared = {k: v for k, v in first if all(values.get(k) == v for _, values in columns)}
    text = _joined(shared)
    own = [
        f"{name}: {_joined({k: v for k, v in values.items() if k not in shared})}"
        for name, values in columns
        if values.keys() - shared.keys()
    ]
    text = f"{title}: {text}." if text else f"{title}."
    return f"{text} {'. '.join(own)}." if own else text


def _how(maps: Sequence[Result]) -> str:
    """How the maps of a column came about: each way once, of errors alone the largest."""
    hows = list(dict.fromkeys(m.how for m in maps if m.how))
    errors = [one for m in maps for one in m.diagnostics if isinstance(one, SUMMED)]
    alone = len(errors) == len(maps) and all(
        m.how == str(d) for m, d in zip(maps, errors, strict=True)
    )
    if len(hows) > 1 and alone and not warnings(tuple(errors)):
        worst = max(errors, key=lambda one: one.error)
        return str(worst).replace("error ", "error at most ")
    return "; ".join(hows)


def _joined(values: dict[str, str]) -> str:
    parameters = ", ".join(text for key, text in values.items() if key != "forward")
    return "; ".join(filter(None, (parameters, values.get("forward", ""))))


def _resolved(evidence_map: Result) -> dict[str, tuple[str, str]]:
    """The same as `_used`, with the layer that was taken in the place of auto."""
    layer, used = _layer_of(evidence_map), _used(evidence_map)
    if layer and evidence_map.parameters.get("at") == AUTO and "at" in used:
        text, unit = used["at"]
        used["at"] = text.replace(AUTO, layer), unit
    return used


def _layer_of(evidence_map: Result) -> str:
    """The layer that a map was read at or linearised from; "" where it does not say."""
    for one in evidence_map.diagnostics:
        if isinstance(one, ReadAt):
            return one.layer
    forward = evidence_map.forward if isinstance(evidence_map, EvidenceMap) else ""
    return forward.partition("linearised at ")[2].partition(",")[0]


def _used(evidence_map: Result) -> dict[str, tuple[str, str]]:
    """The parameters that play a part, in words, and the unit that ends these, by name."""
    method = METHODS.get(evidence_map.method)
    values = evidence_map.parameters
    if method is None:  # a map from elsewhere
        return {name: (f"{name} = {v}", "") for name, v in values.items() if v is not None}
    inactive = method.model_construct(**values).inactive()
    texts = {}
    for known in method.parameters():
        value = values.get(known.name)
        if value is None or known.name in inactive:
            continue
        shown = Path(str(value)).name if known.kind == "path" else value
        unit = f" {known.unit}" if known.unit else ""
        if known.kind == "integer" and value == 1:
            unit = unit.removesuffix("s")
        texts[known.name] = (f"{known.label.lower()} = {shown}{unit}", unit)
    return texts

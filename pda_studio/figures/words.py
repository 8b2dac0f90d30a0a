"""What figures say of maps: the decision, how each was made, and what tells it from the others."""

import math
from collections.abc import Sequence
from pathlib import Path

from pda_studio.methods import METHODS
from pda_studio.results import EvidenceMap
from pda_studio.targets import UNITS

_NO_BREAK = "\N{NO-BREAK SPACE}"


def decision(evidence_map: EvidenceMap) -> tuple[str, str, float | None]:
    """What a map is about: maps of one decision have the same."""
    m = evidence_map
    return m.target_name, m.fingerprint, None if math.isnan(m.value) else round(m.value, 6)


def percent(evidence_map: EvidenceMap) -> str:
    """The target's probability, never rounded to a certainty that it is not."""
    share = 100 * evidence_map.value
    if 0 < share < 0.01:
        return "< 0.01 %"
    if 99.99 < share < 100:
        return "> 99.99 %"
    return f"{share:.2f} %" if share < 1 or share > 99 else f"{share:.1f} %"


def value_of(evidence_map: EvidenceMap, *, named: bool = True) -> str:
    """What the network says of the target: “P(name) 73.0 %”, or “name 3.21” of a plain value."""
    m = evidence_map
    if m.has_probability:
        return f"P({m.target_name}) {percent(m)}" if named else f"P {percent(m)}"
    number = "" if math.isnan(m.value) else f"{m.value:.3g}"
    return f"{m.target_name} {number}".strip() if named else number


def headline_of(evidence_map: EvidenceMap) -> str:
    """What is said of the target above a figure that names it: its probability, or its value."""
    if evidence_map.has_probability:
        return f"probability {percent(evidence_map)}"
    kind = "hidden unit" if evidence_map.output in ("activation", "unknown") else ""
    number = value_of(evidence_map, named=False)
    what = f"{UNITS[evidence_map.output]} {number}" if number else ""
    return ", ".join(filter(None, (kind, what)))


def unfinished(evidence_map: EvidenceMap) -> str:
    """How far an unfinished map has come; "" of a finished one."""
    if evidence_map.covered is None:
        return ""
    if evidence_map.image is not None:
        return "unfinished"
    return f"unfinished, {int(100 * evidence_map.covered.mean())} % covered"


def details(evidence_map: EvidenceMap, maps: Sequence[EvidenceMap], decided: bool) -> str:
    """What tells a map from the others in the figure, other than its method.

    Parameters
    ----------
    evidence_map : EvidenceMap
        The map.
    maps : sequence of EvidenceMap
        All in the figure.
    decided : bool
        Whether to name the target, too.
    """
    parts = []
    if decided:
        parts.append(value_of(evidence_map))
    if len({m.fingerprint for m in maps}) > 1:
        parts.append(evidence_map.classifier)
    alike = [_heeded(m) for m in maps if m.title == evidence_map.title]
    own = _heeded(evidence_map)
    parts += [
        text.removesuffix(unit)
        for name, (text, unit) in own.items()
        if any(other.get(name) != (text, unit) for other in alike)
    ]
    return ", ".join(parts)


def caption(maps: Sequence[EvidenceMap]) -> list[str]:
    """How the maps were made: a paragraph for each method and setting, one for each classifier."""
    paragraphs = []
    for evidence_map in maps:
        words = (text.replace(" ", _NO_BREAK) for text, _ in _heeded(evidence_map).values())
        told = "; ".join(part for part in (", ".join(words), evidence_map.forward) if part)
        paragraphs.append(f"{evidence_map.title}: {told}." if told else evidence_map.title)
    for evidence_map in maps:
        source = "built in" if evidence_map.weights == "built in" else evidence_map.weights
        paragraphs.append(
            f"Classifier: {evidence_map.classifier} (weights {source},"
            f" {evidence_map.fingerprint[:8]})."
        )
    return list(dict.fromkeys(paragraphs))


def _heeded(evidence_map: EvidenceMap) -> dict[str, tuple[str, str]]:
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

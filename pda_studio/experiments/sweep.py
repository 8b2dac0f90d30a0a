"""One parameter of methods over many values: a strip of maps, and how each differs from the next.

Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017, Fig. 4, with numbers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside, names_of
from pda_studio.methods import Method
from pda_studio.metrics.rank_correlation import rank_correlation
from pda_studio.results import EvidenceMap

Number = float
_AROUND = 4.0  # of its own value: how far a sweep goes that is not told


@dataclass(frozen=True)
class Span:
    """Which values are taken.

    Attributes
    ----------
    smallest, largest : float
        From where to where; both 0 for a quarter of a method's own value to four times that.
    count : int
        How many values, the method's own beside them.
    geometric : bool
        Whether each is the same multiple of the one before, as far as all are positive.
    margin : int
        Where windows are swept, the outer patch is so much larger; pixels.
    """

    smallest: float = 0.0
    largest: float = 0.0
    count: int = 7
    geometric: bool = True
    margin: int = 8


@dataclass(frozen=True, eq=False)
class Strip:
    """A method with all values of a parameter.

    Attributes
    ----------
    name, unit : str
        The method's name, and the parameter's unit.
    methods : tuple of Method
        With one value each.
    values : tuple of float
        These values, from the smallest to the largest.
    own : int
        The place of the value that the method has itself.
    spaced : tuple of bool
        Which values lie in the span at equal steps; the method's own may be one beside them.
    """

    name: str
    unit: str
    methods: tuple[Method, ...]
    values: tuple[Number, ...]
    own: int
    spaced: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Sweep:
    """What has been found so far.

    Attributes
    ----------
    strips : sequence of Strip
        The methods.
    maps : tuple of tuple of EvidenceMap
        Of the first image: for each strip, as many as there are.
    to_previous, to_own : tuple of list of list of float
        Of each image, for each strip: Spearman's correlation of each value's map with that of the
        value before (of those at equal steps), and with that of the method's own value.
    strength : tuple of list of list of float
        Of each image, for each strip: root mean square of the evidence.
    """

    strips: Sequence[Strip]
    maps: tuple[tuple[EvidenceMap, ...], ...] = ()
    to_previous: tuple[list[list[float]], ...] = ()
    to_own: tuple[list[list[float]], ...] = ()
    strength: tuple[list[list[float]], ...] = ()


def strips_of(methods: Sequence[Method], vary: str, span: Span, input_size: int) -> list[Strip]:
    """Each method that has a parameter, with all values that it can take.

    Parameters
    ----------
    methods : sequence of Method
        Those without the parameter, or where it plays no part, are left out.
    vary : str
        The parameter.
    span : Span
        Which values.
    input_size : int
        Shorter side of the model input, in pixels.

    Raises
    ------
    UsageError
        If no method has it, or fewer than two values fit.
    """
    strips = []
    takers = [one for one in methods if vary in type(one).model_fields]
    takers = [one for one in takers if vary not in one.inactive()]
    for name, method in zip(names_of(takers), takers, strict=True):
        known = next(one for one in method.parameters() if one.name == vary)
        own = getattr(method, vary)
        whole = known.kind == "integer"
        made: dict[Number, Method] = {own: method}
        problem = ""
        spaced: set[Number] = set()
        for value in _values(method, vary, span, input_size, whole=whole):
            try:
                made.setdefault(value, _with(method, vary, value, span.margin, input_size))
                spaced.add(value)
            except UsageError as error:
                problem = str(error)
        if len(made) < 2:
            raise UsageError(
                problem or f"{method.title} takes one value of {known.label} alone here."
            )
        values = sorted(made)
        chosen = tuple(made[value] for value in values)
        strips.append(
            Strip(
                name,
                known.unit,
                chosen,
                tuple(values),
                values.index(own),
                tuple(value in spaced for value in values),
            )
        )
    if not strips:
        titles = ", ".join(one.title for one in methods) or "no method"
        raise UsageError(f"{titles}: the parameter {vary} plays no part there; choose another.")
    return strips


def sweep_over_images(
    subjects: Sequence[SubjectInput], strips: Sequence[Strip]
) -> Iterator[tuple[MapStep, Sweep]]:
    """Explain images by methods with one value after the other.

    Yields
    ------
    MapStep, Sweep
        After each step of each map, what has been found so far.
    """
    work = MapWork([one for strip in strips for one in strip.methods], len(subjects))
    found = Sweep(strips, tuple(() for _ in strips))
    for number, image in enumerate(subjects):
        subject = image.load()
        if not number:
            yield from beside(work.trial(subject), found)
        place = 0
        rows: list[list[EvidenceMap]] = []
        for at, strip in enumerate(strips):
            rows.append([])
            for _ in strip.methods:
                made = yield from beside(work.map_of(place, subject, image.name), found)
                rows[-1].append(made)
                place += 1
                if not number:
                    strips_so_far = [*found.maps]
                    strips_so_far[at] = tuple(rows[-1])
                    found = replace(found, maps=tuple(strips_so_far))
                    yield work.now(image.name), found
        found = replace(
            found,
            to_previous=(
                *found.to_previous,
                [_to_previous(strip, row) for strip, row in zip(strips, rows, strict=True)],
            ),
            to_own=(
                *found.to_own,
                [
                    [rank_correlation(one.evidence, row[strip.own].evidence) for one in row]
                    for strip, row in zip(strips, rows, strict=True)
                ],
            ),
            strength=(
                *found.strength,
                [[float(np.sqrt(np.mean(np.square(one.evidence)))) for one in row] for row in rows],
            ),
        )
        yield work.now(image.name), found


def stable_range(correlations: Sequence[float], alike: float) -> tuple[int, int] | None:
    """The longest run of maps of which each is like the one before: its first and last place."""
    best: tuple[int, int] | None = None
    start = 0
    for place in range(1, len(correlations)):
        if not correlations[place] >= alike:
            start = place
        elif best is None or place - start > best[1] - best[0]:
            best = start, place
    return best


def _to_previous(strip: Strip, row: Sequence[EvidenceMap]) -> list[float]:
    found, previous = [], None
    for is_spaced, made in zip(strip.spaced, row, strict=True):
        known = is_spaced and previous is not None
        found.append(
            rank_correlation(previous.evidence, made.evidence) if known and previous else math.nan
        )
        previous = made if is_spaced else previous
    return found


def _values(method: Method, vary: str, span: Span, input_size: int, *, whole: bool) -> list[Number]:
    """The values to be taken, from the smallest to the largest."""
    own = float(getattr(method, vary))
    low, high = span.smallest, span.largest
    if not high > 0:
        least, most = method.bounds(input_size)[vary]
        if vary == "window":  # what follows it leaves it its room
            most = min(most or input_size, input_size - 1)
        low, high = own / _AROUND, own * _AROUND
        low = low if least is None else max(low, least)
        high = high if most is None else min(high, most)
    if high <= low:
        raise UsageError("The largest value must be larger than the smallest.")
    spaced: Any = np.geomspace if span.geometric and low > 0 else np.linspace
    values = spaced(low, high, span.count)
    if whole:
        return sorted({round(float(value)) for value in values})
    return sorted({float(f"{value:.4g}") for value in values})


def _with(method: Method, vary: str, value: Number, margin: int, input_size: int) -> Method:
    """The method with another value, and with what has to follow it."""
    changes: dict[str, Any] = {vary: value}
    fields = type(method).model_fields
    if vary == "window":
        if "outer" in fields:
            most = next(one.maximum for one in method.parameters() if one.name == "outer")
            changes["outer"] = min(int(value) + margin, input_size, int(most or input_size))
        if "stride" in fields:
            changes["stride"] = min(getattr(method, "stride"), int(value))  # noqa: B009
    return type(method).of_values({**dict(method), **changes})

"""Finding things by a few letters of their names, as people type them."""

from __future__ import annotations

from dataclasses import dataclass

_START, _RUN, _WORD = 1.0, 7.0, 6.0
_GAP = 0.1


@dataclass(frozen=True)
class Match:
    """How well a name fits what was typed, and which of its letters were meant.

    Attributes
    ----------
    score : float
        The higher, the better.
    places : tuple of int
        Positions of the letters that were typed, in the name.
    """

    score: float
    places: tuple[int, ...]


def match(typed: str, name: str) -> Match | None:
    """Find the letters that were typed in a name: in their order, with gaps where need be.

    Letters that follow one another and letters that begin a word count more; of several ways to
    find them the best one is taken. Words typed may stand in any order: “map save” finds
    “Save map”.

    Parameters
    ----------
    typed : str
        What was typed; upper and lower case are the same, and nothing fits everything.
    name : str
        Where to prediction.

    Returns
    -------
    Match or None
        None if a letter is missing.
    """
    score, places = 0.0, set[int]()
    for word in typed.lower().split():
        found = _word(word, name)
        if found is None:
            return None
        score += found.score
        places.update(found.places)
    return Match(score - 0.01 * len(name), tuple(sorted(places)))


def _word(word: str, name: str) -> Match | None:
    """The best way to find one word's letters, by dynamic programming over their positions."""
    low = name.lower()
    if len(low) != len(name):  # a few letters change their number when made small
        low = name
    # Best score, and the way to it, of all letters so far with the last one at this position.
    ways: dict[int, tuple[float, tuple[int, ...]]] = {}
    for number, letter in enumerate(word):
        further: dict[int, tuple[float, tuple[int, ...]]] = {}
        best: tuple[float, tuple[int, ...]] | None = None  # of those that end before this position
        for at, here in enumerate(low):
            if number and at - 1 in ways:
                ended = ways[at - 1]
                if best is None or ended[0] > best[0]:
                    best = ended
            if here != letter:
                continue
            gain = _WORD if _begins(name, at) else 0.0
            if number == 0:
                further[at] = gain + _START - _GAP * min(at, 10), (at,)
                continue
            options = []
            if best is not None:
                options.append((best[0] + gain - _GAP, (*best[1], at)))
            if at - 1 in ways:
                options.append((ways[at - 1][0] + gain + _RUN, (*ways[at - 1][1], at)))
            if options:
                further[at] = max(options)
        ways = further
        if not ways:
            return None
    score, places = max(ways.values()) if ways else (0.0, ())
    return Match(score, places)


def _begins(name: str, at: int) -> bool:
    """Whether a word begins here: after a gap, or with a capital or digit inside a name."""
    if at == 0:
        return True
    before, here = name[at - 1], name[at]
    return (
        not before.isalnum()
        or (here.isupper() and not before.isupper())
        or (here.isdigit() and not before.isdigit())
    )

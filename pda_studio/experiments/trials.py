"""How long a map takes, told by its beginning."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from time import perf_counter

from pda_studio.experiments.expected import later_pace
from pda_studio.methods import Method
from pda_studio.pda.forward.incremental.plan import Foretaste, foretaste
from pda_studio.results import Subject

_TRIAL = 0.8  # seconds of a method's work from which the whole map's are told


def seconds_of(method: Method, subject: Subject) -> float:
    """How long a map takes, by its beginning.

    Single windows go first, each of which takes longer than one in a block: a few of them, then
    blocks, tell of both.
    """
    began = perf_counter()
    seen: list[tuple[float, int]] = []
    asked = Foretaste()
    token = foretaste.set(asked)
    try:
        steps = method.steps(subject)
        for progress in steps:
            if progress.stage or not progress.done:
                continue
            seen.append((perf_counter(), progress.done))
            now, done = seen[-1]
            single = min(asked.rough, asked.some)
            blocks = [one for one in seen if one[1] >= single]
            if len(blocks) > 1 and now - blocks[0][0] > _TRIAL and done < progress.total:
                pace = later_pace(blocks)
                if pace is None:
                    continue
                close = getattr(steps, "close", None)
                if close is not None:
                    close()
                rest = pace * (progress.total - done)
                return now - began + rest + _more_of_singles(seen, asked, pace)
    finally:
        foretaste.reset(token)
    pace = later_pace(seen) if seen else None
    return perf_counter() - began + _more_of_singles(seen, asked, pace or 0.0)


def _more_of_singles(seen: Sequence[tuple[float, int]], asked: Foretaste, pace: float) -> float:
    """How many seconds more single windows take that were left to the blocks."""
    singles = [one for one in seen if one[1] <= asked.some]
    pairs = [pair for pair in pairwise(singles) if pair[0][1] < pair[1][1]]
    if asked.rough <= asked.some or not pairs:
        return 0.0
    single = median((now - one) / (more - done) for (one, done), (now, more) in pairs)
    return max(single - pace, 0.0) * (asked.rough - asked.some)

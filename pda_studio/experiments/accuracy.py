"""How near a quicker forward comes to the full one, on windows from all over an image."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from pda_studio.experiments.forwards import Benchmark, Corners
from pda_studio.pda.differences import log_odds
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import IncrementalForward
from pda_studio.pda.forward.linearised import LinearisedTail

_BATCH = 4


class Reference:
    """What the full forward, in float32, says of some windows.

    Parameters
    ----------
    benchmark : Benchmark
        The network, the image and its infill.
    places : sequence of (n, 2) int
        Corners of windows that are near one another, for each of some places.
    """

    def __init__(self, benchmark: Benchmark, places: Sequence[Corners]) -> None:
        self._places = places
        self._filler = benchmark.filler
        self._count = len(benchmark.classifier.class_names)
        full = FullForward(benchmark.classifier, benchmark.pixels, np.arange(self._count), _BATCH)
        scored = [full(corners, self._filler.fill(corners)) for corners in places]
        self._change = (
            np.concatenate([each.logit[:, 0] for each in scored]) - full.original.logit[0]
        )
        probability = np.concatenate([each.probability[:, 0, benchmark.target] for each in scored])
        self._log_odds = log_odds(probability, self._count)

    def error(self, forward: IncrementalForward) -> float | None:
        """Rms error of all logits over the rms of their change; None if nothing changes."""
        change = np.concatenate(
            [forward.change(corners, self._filler.fill(corners)) for corners in self._places]
        )
        size = np.square(self._change).mean()
        return float((np.square(change - self._change).mean() / size) ** 0.5) if size > 0 else None

    def rank_correlation(self, forward: LinearisedTail) -> float | None:
        """Spearman's correlation of the log-odds; None if these are all the same."""
        scored = [forward(corners, self._filler.fill(corners)) for corners in self._places]
        probability = np.concatenate([each.probability[:, 0, 0] for each in scored])
        linear = log_odds(probability, self._count)
        if np.ptp(linear) == 0 or np.ptp(self._log_odds) == 0:
            return None
        return float(spearmanr(linear, self._log_odds).statistic)

"""How far a ranking of neurons hangs on the noise that it was measured with."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.neurons import ranking_of
from pda_studio.attribution.ranking import Neuron, Ranking
from pda_studio.methods.neurons import Neurons
from pda_studio.results import Subject


@dataclass(frozen=True, eq=False)
class OverSeeds:
    """One metric's importance of every neuron, measured with several seeds.

    Attributes
    ----------
    scores : dict
        For each layer, the importance (seeds, C) of its channels; NaN where a metric says nothing.
    """

    scores: dict[str, NDArray[np.float64]]

    @property
    def count(self) -> int:
        """How many seeds."""
        return len(next(iter(self.scores.values())))

    def spread(self, neuron: Neuron) -> float:
        """Standard deviation of a neuron's importance over the seeds; NaN of fewer than two."""
        values = self.scores[neuron.layer][:, neuron.channel]
        values = values[~np.isnan(values)]
        return float(values.std(ddof=1)) if len(values) > 1 else float("nan")

    def stable(self, neuron: Neuron, count: int) -> bool:
        """Whether a neuron is among so many of its layer with every seed."""
        for scores in self.scores[neuron.layer]:
            known = np.flatnonzero(~np.isnan(scores))
            if neuron.channel not in known[np.argsort(-scores[known], kind="stable")][:count]:
                return False
        return True

    def correlations(self) -> NDArray[np.float64]:
        """Spearman's correlation of each layer's importances between any two seeds."""
        found = []
        for scores in self.scores.values():
            for one, other in combinations(scores, 2):
                known = ~np.isnan(one) & ~np.isnan(other)
                if known.sum() > 2 and np.ptp(one[known]) > 0 and np.ptp(other[known]) > 0:
                    found.append(float(spearmanr(one[known], other[known]).statistic))
        return np.array(found)


def over_seeds(method: Neurons, subject: Subject, first: Ranking, count: int) -> OverSeeds:
    """Measure a ranking again with the seeds that follow its own.

    Parameters
    ----------
    method : Neurons
        Its parameters; what its metric measures on the unmodified image is the same for all seeds.
    subject : Subject
        What is explained.
    first : Ranking
        The method's own.
    count : int
        How many seeds, the method's own included.
    """
    rankings = [first]
    if "seed" not in method.inactive():
        maps = FeatureMaps.of(subject.scored)
        for more in range(1, count):
            changes: dict[str, Any] = {"seed": (method.seed + more) % 2**32}
            rankings.append(ranking_of(method.model_copy(update=changes), subject, maps))
    return OverSeeds(
        {
            layer: np.stack([one.scores[method.metric][layer] for one in rankings])
            for layer in first.layers
        }
    )

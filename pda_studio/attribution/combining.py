"""Several maps of one image as one, that shows where they agree.

Zhou & Kainz close with it: the results of different methods can be combined.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pda_studio.diagnostics import MeanOf
from pda_studio.errors import UsageError
from pda_studio.results import EvidenceMap

UNIT = "rms"
"""Evidence in units of its own root mean square."""


def standardised(evidence: NDArray[np.floating]) -> NDArray[np.float64]:
    """Evidence (H, W) in units of its own root mean square: zero stays zero, a sign stays."""
    exact = evidence.astype(np.float64)
    scale = float(np.sqrt(np.mean(np.square(exact))))
    return exact / scale if scale > 0 else exact


def mean_and_spread(
    maps: Sequence[NDArray[np.floating]],
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Mean (H, W) of standardised maps, and its standard error between them; None of one alone."""
    values = np.stack([standardised(one) for one in maps])
    mean = values.mean(0).astype(np.float32)
    if len(values) < 2:
        return mean, None
    return mean, (values.std(0, ddof=1) / np.sqrt(len(values))).astype(np.float32)


def error_of_mean(maps: Sequence[EvidenceMap]) -> NDArray[np.float32] | None:
    """Approximation error (H, W) of the mean of standardised maps, whose errors are independent.

    None where no map has one.
    """
    squares = np.zeros(maps[0].evidence.shape)
    for one in maps:
        scale = float(np.sqrt(np.mean(np.square(one.evidence.astype(np.float64)))))
        if one.approximation_error is not None and scale > 0:
            squares += np.square(one.approximation_error / scale)
    if not squares.any():
        return None
    return (np.sqrt(squares) / len(maps)).astype(np.float32)


def combined(maps: Sequence[EvidenceMap]) -> EvidenceMap:
    """Combine finished maps of the same image and target.

    Parameters
    ----------
    maps : sequence of EvidenceMap
        At least two, of one size.

    Returns
    -------
    EvidenceMap
        The mean of the standardised maps; its `standard_error` is the spread between them divided
        by √n: small where the methods agree.

    Raises
    ------
    UsageError
        If there are fewer than two, or one is unfinished, or they are not about the same.
    """
    if len(maps) < 2:
        raise UsageError("Combine at least two maps.")
    first = maps[0]
    for other in maps:
        if not other.complete:
            raise UsageError(
                f"The map of {other.title} is unfinished: let it run to its end first."
            )
        same = other.view.shape == first.view.shape and np.array_equal(other.view, first.view)
        if not same or other.target_name != first.target_name:
            raise UsageError(
                f"The maps of {first.title} and {other.title} are not of the same image and"
                " target: combine maps of one decision."
            )
    evidence, spread = mean_and_spread([one.evidence for one in maps])
    return EvidenceMap(
        evidence=evidence,
        standard_error=spread,
        approximation_error=error_of_mean(maps),
        covered=None,
        view=first.view,
        limits=first.limits,
        target=first.target,
        target_name=first.target_name,
        index=first.index,
        output=first.output,
        probabilities=first.probabilities,
        method="combined",
        title="Combined",
        parameters={"of": [one.title for one in maps]},
        unit=UNIT,
        classifier=first.classifier,
        weights=first.weights,
        fingerprint=first.fingerprint,
        seconds=sum(one.seconds for one in maps),
        diagnostics=(MeanOf((f"{len(maps)} maps, each divided by its root mean square",)),),
    )

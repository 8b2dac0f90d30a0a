"""A variant's map in the frame of the image as it was opened, from the work alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.counts import written
from pda_studio.document.model_input import preprocessing_of_row
from pda_studio.document.operations import Matrix, placed
from pda_studio.document.workspace import Row
from pda_studio.errors import UsageError

if TYPE_CHECKING:  # the engine loads PyTorch, which takes seconds: the window is there before
    from pda_studio.classifiers import Preprocessing
    from pda_studio.images import View
    from pda_studio.metrics.agreement import Agreement
    from pda_studio.results import EvidenceMap


def seen(preprocessing: Preprocessing, row: Row, width: int, height: int) -> Matrix:
    """From a row's image of this size, before its operations, to what the network sees."""
    preprocessing = preprocessing_of_row(preprocessing, row, width, height)
    matrix, width, height = placed(row.operations, width, height)
    whole: Matrix = preprocessing.frame(width, height).matrix @ matrix
    return whole


def turned(evidence_map: EvidenceMap, matrix: Matrix, upright: View) -> EvidenceMap:
    """Show a map in another frame; what it does not show there is not covered.

    Parameters
    ----------
    evidence_map : EvidenceMap
        Of a variant.
    matrix : (3, 3) float64
        Where points of the original's input lie in the variant's.
    upright : (H, W, 3) uint8 or float32
        The original as the network sees it.
    """
    from pda_studio.metrics.agreement import turned_back

    shape = upright.shape[0], upright.shape[1]  # that of a turned rectangle is another
    evidence = turned_back(evidence_map.evidence, matrix, shape)
    errors = {
        name: np.nan_to_num(turned_back(error, matrix, shape))
        for name in ("standard_error", "approximation_error")
        if (error := getattr(evidence_map, name)) is not None
    }
    return evidence_map.replace(
        **errors,
        evidence=np.nan_to_num(evidence),
        covered=np.isfinite(evidence),
        view=upright,
    )


def compared(first: EvidenceMap, back: EvidenceMap) -> Agreement | None:
    """How far a map, turned back, agrees with the original's; None if hardly any is shown."""
    from pda_studio.metrics.agreement import agreement

    shown = back.covered if back.covered is not None else True
    try:
        return agreement(first.evidence, np.where(shown, back.evidence, np.nan))
    except UsageError:
        return None


def in_words(found: Agreement | None) -> str:
    """How far two maps agree, in a few words; "" where nothing was compared."""
    if found is None:
        return ""
    unknown = np.isnan(found.correlation)
    shown = "–" if unknown else written(found.correlation)
    return f"r {shown} · top 5 %: {100 * found.overlap:.0f} %"

"""Looking behind a map: which windows cover a pixel, and what a decision is without them."""

from pda_studio.inspection.answers import Answer, likeliest, most_gained
from pda_studio.inspection.boxes import Box
from pda_studio.inspection.deletion import Stage, deletion_curve
from pda_studio.inspection.filling import (
    REGION_FILLINGS,
    Filling,
    MethodFilling,
    RegionFilling,
    RegionFillName,
    filling_of,
)
from pda_studio.inspection.ranking import RankedWindows, Speaking, ranked_over, ranked_windows
from pda_studio.inspection.removal import Removal, removal_steps, remove

__all__ = [
    "REGION_FILLINGS",
    "Answer",
    "Box",
    "Filling",
    "MethodFilling",
    "RankedWindows",
    "RegionFillName",
    "RegionFilling",
    "Removal",
    "Speaking",
    "Stage",
    "deletion_curve",
    "filling_of",
    "likeliest",
    "most_gained",
    "ranked_over",
    "ranked_windows",
    "removal_steps",
    "remove",
]

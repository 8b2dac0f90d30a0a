"""Inspection of a map: which windows cover a pixel, and the scores without them."""

from pda_studio.inspection.class_scores import ClassScores, likeliest, most_gained
from pda_studio.inspection.deletion import Stage, deletion_curve
from pda_studio.inspection.ranking import RankedWindows, Sign, ranked_over, ranked_windows
from pda_studio.inspection.rectangles import Rectangle
from pda_studio.inspection.removal import Removal, infill_of, removal_steps, remove

__all__ = [
    "ClassScores",
    "RankedWindows",
    "Rectangle",
    "Removal",
    "Sign",
    "Stage",
    "deletion_curve",
    "infill_of",
    "likeliest",
    "most_gained",
    "ranked_over",
    "ranked_windows",
    "removal_steps",
    "remove",
]

"""Figures for publication."""

from pda_studio.figures.composed import draw_composition, save_composition
from pda_studio.figures.composition import Composition
from pda_studio.figures.neurons import draw_neurons, save_neurons
from pda_studio.figures.panel import draw_panel, save_panel
from pda_studio.figures.saving import check_figure
from pda_studio.figures.shares import draw_bias_shares, save_bias_shares

__all__ = [
    "Composition",
    "check_figure",
    "draw_bias_shares",
    "draw_composition",
    "draw_neurons",
    "draw_panel",
    "save_bias_shares",
    "save_composition",
    "save_neurons",
    "save_panel",
]

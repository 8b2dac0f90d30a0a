"""Figures for publication."""

from pda_studio.figures.neurons import draw_neurons, save_neurons
from pda_studio.figures.panel import draw_panel, save_panel
from pda_studio.figures.saving import check_figure
from pda_studio.figures.shares import draw_bias_shares, save_bias_shares

__all__ = [
    "check_figure",
    "draw_bias_shares",
    "draw_neurons",
    "draw_panel",
    "save_bias_shares",
    "save_neurons",
    "save_panel",
]

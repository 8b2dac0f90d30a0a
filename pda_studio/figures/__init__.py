"""Figures for publication."""

from pda_studio.figures.neurons import draw_neurons, save_neurons
from pda_studio.figures.panel import check_figure, draw_panel, save_panel

__all__ = ["check_figure", "draw_neurons", "draw_panel", "save_neurons", "save_panel"]

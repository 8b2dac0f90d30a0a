"""Figures for publication."""

from pda_studio.figures.panel import check_figure, draw_panel, save_panel

__all__ = ["check_figure", "draw_panel", "save_panel"]

"""Results draw themselves: into somebody's axes, and in notebooks."""

from importlib import import_module
from typing import Any


class Plotted:
    """What can be drawn by `pda_studio.figures.plotting`.

    That is found by name: figures are made of results, not results of figures.
    """

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it into axes, as `pda_studio.figures.plotting.plot` does.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where; without it, pyplot's current axes.
        **options
            style (overlay or map), appearance, colour_bar.

        Returns
        -------
        matplotlib.axes.Axes
            With the target as its title.
        """
        return _plotting().plot(self, ax, **options)

    def _repr_png_(self) -> bytes:
        """As notebooks show it (PNG)."""
        shown: bytes = _plotting().png(self)
        return shown


def _plotting() -> Any:
    return import_module("pda_studio.figures.plotting")

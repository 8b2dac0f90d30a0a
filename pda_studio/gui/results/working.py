"""Finds what is done with results in the background, once it is needed: not before the window."""

from types import ModuleType


def reading() -> ModuleType:
    """Reading and ordering results."""
    from pda_studio.gui.results import reading

    return reading


def work() -> ModuleType:
    """Inspecting, predicting and exporting them, with the engine."""
    from pda_studio.gui.results import work

    return work

"""What a panel waits for, in words."""

from PySide6.QtCore import QCoreApplication

from pda_studio.gui.maps.panel_state import Awaited


def awaited(awaits: Awaited) -> str:
    """What a waiting panel says: what it waits for, where that is known."""
    translate = QCoreApplication.translate
    known = {
        "classifier": translate("Waiting", "loading the classifier"),
        "prediction": translate("Waiting", "predicting"),
        "cache": translate("Waiting", "searching the cache"),
        "turn": translate("Waiting", "queued"),
        "maps": translate("Waiting", "needs other maps"),
    }
    return known.get(awaits, translate("Waiting", "waiting"))

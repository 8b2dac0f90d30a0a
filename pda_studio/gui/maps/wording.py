"""What a panel waits for, in words."""

from PySide6.QtCore import QCoreApplication

from pda_studio.gui.maps.panel_state import Awaited


def awaited(awaits: Awaited) -> str:
    """What a waiting panel says: what it waits for, where that is known."""
    translate = QCoreApplication.translate
    known = {
        "classifier": translate("Waiting", "waiting for the classifier"),
        "prediction": translate("Waiting", "waiting for the prediction"),
        "cache": translate("Waiting", "searching the cache"),
        "turn": translate("Waiting", "waiting for its turn"),
        "maps": translate("Waiting", "waiting for the other maps"),
    }
    return known.get(awaits, translate("Waiting", "waiting"))

"""How maps are shown: the display box follows the selected one."""

from pda_studio.gui.display.display_controller import DisplayController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> None:
    """Add it to a window."""
    DisplayController(parts.window, parts.session, parts.display, parts.owner)

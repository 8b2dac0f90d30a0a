"""Actions on the rows and columns of the grid, and on its images."""

from pda_studio.gui.grid.image_actions import ImageActions
from pda_studio.gui.grid.menus import GridMenus
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> None:
    """Add them to a window."""
    window, session, dialogs = parts.window, parts.session, parts.dialogs
    GridMenus(window, session, parts.opening, dialogs, parts.memory, parts.owner)
    ImageActions(window, session, dialogs, parts.owner)

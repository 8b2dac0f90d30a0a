"""The window itself: its title and pages, its theme, and what the next start finds."""

from pda_studio.gui.window.parts import Parts
from pda_studio.gui.window.readouts import Readouts
from pda_studio.gui.window.window_actions import WindowActions
from pda_studio.gui.window.window_settings import WindowSettings


def install(parts: Parts) -> WindowSettings:
    """Add them to a window."""
    window, owner = parts.window, parts.owner
    WindowActions(window, parts.theme, parts.dialogs, owner)
    Readouts(
        window,
        parts.session,
        parts.viewport,
        opening=parts.opening,
        saving=parts.saving,
        parent=owner,
    )
    return WindowSettings(window, parts.memory, parts.theme, parts.display, parts.inspection, owner)

"""What is explained: the classes that are predicted, contrasts, hidden units."""

from pda_studio.gui.targets.predictions_controller import PredictionsController
from pda_studio.gui.targets.target_menus import TargetMenus
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> TargetMenus:
    """Add them to a window."""
    PredictionsController(parts.window, parts.session, parts.owner)
    menus = TargetMenus(parts.window, parts.session, parts.jobs, parts.owner)
    parts.messages.follow(menus)
    return menus

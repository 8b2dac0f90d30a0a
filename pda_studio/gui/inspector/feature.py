"""The inspector: the windows over a pixel, a region, the strongest windows."""

from pda_studio.gui.inspector.inspecting import Inspecting
from pda_studio.gui.inspector.inspector_actions import InspectorActions
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> Inspecting:
    """Add it to a window."""
    inspecting = Inspecting(parts.inspection, parts.session, parts.jobs, parts.owner)
    InspectorActions(parts.window, parts.session, parts.inspection, inspecting, parts.owner)
    parts.messages.follow(inspecting)
    return inspecting

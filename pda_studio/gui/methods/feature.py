"""The method of the selected column, its parameters, and what its map costs."""

from pda_studio.gui.methods.cost_line import CostLine
from pda_studio.gui.methods.method_controller import MethodController
from pda_studio.gui.methods.usable_methods import UsableMethods
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> None:
    """Add them to a window."""
    window, session = parts.window, parts.session
    CostLine(window, session, parts.explainer, parts.owner)
    usable = UsableMethods(session, parts.jobs, parts.owner)
    controller = MethodController(
        window,
        session,
        opening=parts.opening,
        jobs=parts.jobs,
        usable=usable,
        parent=parts.owner,
    )
    parts.messages.follow(controller)

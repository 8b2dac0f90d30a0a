"""Studies, in a menu of their own."""

from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> StudiesController:
    """Add them to a window."""
    studies = StudiesController(
        parts.window, parts.session, parts.opening, parts.jobs, parts.inspection, parts.owner
    )
    parts.messages.follow(studies)
    return studies

"""Studies, in a menu of their own, and reports of them."""

from pda_studio.gui.studies.reporting import Reporting
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> StudiesController:
    """Add them to a window."""
    studies = StudiesController(
        parts.window, parts.session, parts.opening, parts.jobs, parts.inspection, parts.owner
    )
    parts.messages.follow(studies)
    parts.messages.follow(Reporting(parts.window, parts.session, studies, parts.jobs, studies))
    return studies

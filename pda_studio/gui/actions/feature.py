"""The actions that find everything else: palette, list of keys, keys of the panels."""

from pda_studio.gui.actions.commands import Commands
from pda_studio.gui.actions.facts import Facts
from pda_studio.gui.actions.keys import Keys
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts, studies: StudiesController) -> Commands:
    """Add them to a window, and enable all actions as it goes on; last of all features."""
    window, session, owner = parts.window, parts.session, parts.owner
    Keys(window, session, parts.viewport, owner)
    Facts(
        window,
        session,
        explainer=parts.explainer,
        opening=parts.opening,
        saving=parts.saving,
        studies=studies,
        parent=owner,
    )
    return Commands(window, session, parts.opening, parts.samples, owner)

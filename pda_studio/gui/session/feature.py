"""The workspace as a whole: undo, files, recovery."""

from pda_studio.gui.session.workspace_actions import WorkspaceActions
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> None:
    """Add them to a window; after the hints, which clear the banner: its offers are to stay."""
    WorkspaceActions(
        parts.window,
        parts.session,
        saving=parts.saving,
        opening=parts.opening,
        dialogs=parts.dialogs,
        parent=parts.owner,
    )
    parts.messages.follow(parts.saving)

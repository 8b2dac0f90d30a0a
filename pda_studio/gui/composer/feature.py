"""Figures and maps that are written."""

from pda_studio.gui.composer.composing import Composing
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> Composing:
    """Add them to a window."""
    composing = Composing(
        parts.window,
        parts.session,
        parts.display,
        jobs=parts.jobs,
        saving=parts.saving,
        memory=parts.memory,
        dialogs=parts.dialogs,
        parent=parts.owner,
    )
    parts.messages.follow(parts.exporting, composing)
    return composing

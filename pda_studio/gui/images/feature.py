"""The values of the opened image: display limits, and the pages of a stack."""

from pda_studio.gui.images.image_controller import ImageController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> ImageController:
    """Add it to a window."""
    controller = ImageController(
        parts.window,
        parts.session,
        jobs=parts.jobs,
        opening=parts.opening,
        parent=parts.owner,
    )
    parts.messages.follow(controller)
    return controller

"""Images of a folder, images that were opened before, and what is dropped or pasted."""

from pda_studio.gui.browser.browsing import FolderBrowser
from pda_studio.gui.browser.thumbnails_controller import ThumbnailsController
from pda_studio.gui.opening.clipboard import ClipboardController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts) -> tuple[FolderBrowser, ClipboardController, ThumbnailsController]:
    """Add them to a window."""
    window, session, opening, saving = parts.window, parts.session, parts.opening, parts.saving
    jobs, dialogs, owner = parts.jobs, parts.dialogs, parts.owner
    browsing = FolderBrowser(session, opening, jobs, dialogs, window.registry, owner)
    browsing.noted.connect(window.strip.note)
    browsing.workspace_requested.connect(saving.open)
    saving.opened.connect(browsing.stay)
    clipboard = ClipboardController(
        window,
        session,
        exporting=parts.exporting,
        opening=opening,
        jobs=jobs,
        browsing=browsing,
        dialogs=dialogs,
        parent=owner,
    )
    thumbnails = ThumbnailsController(
        window,
        opening=opening,
        jobs=jobs,
        memory=parts.memory,
        samples=parts.samples,
        parent=owner,
    )
    parts.messages.follow(browsing, clipboard)
    return browsing, clipboard, thumbnails

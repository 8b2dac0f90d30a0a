"""Results of a batch, and folders of images, as a grid of thumbnails."""

from pda_studio.gui.browser.browsing import FolderBrowser
from pda_studio.gui.results.results_controller import ResultsController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts, browsing: FolderBrowser) -> ResultsController:
    """Add them to a window."""
    results = ResultsController(
        parts.window,
        parts.session,
        opening=parts.opening,
        saving=parts.saving,
        jobs=parts.jobs,
        dialogs=parts.dialogs,
        display=parts.display,
        browsing=browsing,
        parent=parts.owner,
    )
    results.noted.connect(parts.window.strip.note)
    parts.messages.follow(results)
    return results

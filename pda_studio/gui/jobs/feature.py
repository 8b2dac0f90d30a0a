"""What runs and waits: the progress below the grid, and the list of jobs."""

from pda_studio.gui.jobs.jobs_controller import JobsController
from pda_studio.gui.jobs.progress_readout import ProgressReadout
from pda_studio.gui.studies.studies_controller import StudiesController
from pda_studio.gui.window.parts import Parts


def install(parts: Parts, studies: StudiesController) -> JobsController:
    """Add them to a window; a study is a job like any other."""
    window, session, explainer = parts.window, parts.session, parts.explainer
    readout = ProgressReadout(window, session, explainer, studies, parts.owner)
    parts.messages.follow(explainer)
    explainer.slowed.connect(parts.messages.show_notice)
    controller = JobsController(window, session, explainer, parts.opening, studies, parts.owner)
    controller.added.connect(readout.add)
    return controller

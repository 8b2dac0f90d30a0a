"""Images and classifiers that are opened, digits that are drawn, and the first hints."""

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.opening.answers_controller import AnswersController
from pda_studio.gui.opening.classifier_controller import ClassifierController
from pda_studio.gui.opening.drawing import DigitDrawing
from pda_studio.gui.opening.hints_controller import HintsController
from pda_studio.gui.opening.runtime_check import RuntimeCheck
from pda_studio.gui.opening.trusting import Trusting
from pda_studio.gui.window.parts import Parts


def install(parts: Parts, start: ClassifierChoice, *, newcomer: bool) -> DigitDrawing:
    """Add them to a window.

    Parameters
    ----------
    parts : Parts
        The window's.
    start : ClassifierChoice
        What is loaded first.
    newcomer : bool
        Whether the window starts with the example.
    """
    window, session, opening = parts.window, parts.session, parts.opening
    explainer, owner = parts.explainer, parts.owner
    window.welcome.open_wanted.connect(parts.dialogs.choose_image)
    window.welcome.chosen.connect(opening.open_image)
    HintsController(
        window, session, opening=opening, memory=parts.memory, newcomer=newcomer, parent=owner
    )
    ClassifierController(
        window,
        session,
        opening=opening,
        saving=parts.saving,
        dialogs=parts.dialogs,
        memory=parts.memory,
        start=start,
        parent=owner,
    )
    AnswersController(window, session, opening=opening, jobs=parts.jobs, parent=owner)
    RuntimeCheck(window, session, opening=opening, jobs=parts.jobs, parent=owner)
    Trusting(window, opening, parts.dialogs, explainer, owner)
    explainer.predicting.lacking.connect(opening.fetch)
    opening.refused.connect(explainer.predicting.refuse)
    opening.loading.connect(explainer.pause)
    opening.loaded.connect(explainer.resume)
    parts.messages.follow(opening)
    return DigitDrawing(window, session, opening, owner)

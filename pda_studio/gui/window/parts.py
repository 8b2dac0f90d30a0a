"""What the features of one window share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QApplication

from pda_studio.gui.composer.exporting import Exporting
from pda_studio.gui.display.display import Display
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening, sample_digits
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.messages import Messages
from pda_studio.gui.window.settings import Memory
from pda_studio.gui.window.theme import ThemeKeeper


@dataclass(frozen=True, eq=False)
class Parts:
    """The models, the services and the window; each feature takes what it needs.

    Attributes
    ----------
    owner : QObject
        With which the features end.
    window : MainWindow
        The widgets, and the registry of actions.
    session, display, viewport, inspection
        What is open, how maps are shown, which part is seen, and what is inspected.
    jobs, explainer, opening, exporting, saving
        The worker, and what computes, loads and writes.
    dialogs, messages
        What asks for files, and what tells of problems.
    memory, theme
        Settings of earlier starts, and the colours.
    samples : list of Path
        The images that come with the program.
    """

    owner: QObject
    window: MainWindow
    session: Session
    display: Display
    viewport: Viewport
    inspection: Inspection
    jobs: Jobs
    explainer: Explainer
    opening: Opening
    exporting: Exporting
    saving: Saving
    dialogs: Dialogs
    messages: Messages
    memory: Memory
    theme: ThemeKeeper
    samples: list[Path]

    @classmethod
    def made(cls, owner: QObject, application: QApplication, settings: QSettings) -> Parts:
        """Make all of them.

        Parameters
        ----------
        owner : QObject
            With which they end.
        application : QApplication
            The running application.
        settings : QSettings
            Where geometry, recent files and the theme are kept.
        """
        session, display, viewport, memory = Session(), Display(), Viewport(), Memory(settings)
        display.appearance = memory.appearance
        theme = ThemeKeeper(application)
        theme.choose(memory.theme)
        jobs = Jobs(owner)
        explainer = Explainer(session, jobs, owner)
        opening, exporting = Opening(session, jobs, owner), Exporting(session, jobs, owner)
        saving = Saving(session, display, explainer, jobs, settings, owner)
        inspection = Inspection(open=memory.inspector == "open", wanted=memory.inspector)
        samples = sample_digits()
        window = MainWindow(session, display, viewport, theme, samples, inspection)
        return cls(
            owner=owner,
            window=window,
            session=session,
            display=display,
            viewport=viewport,
            inspection=inspection,
            jobs=jobs,
            explainer=explainer,
            opening=opening,
            exporting=exporting,
            saving=saving,
            dialogs=Dialogs(window, opening, exporting, saving, memory, owner),
            messages=Messages(window, owner),
            memory=memory,
            theme=theme,
            samples=samples,
        )

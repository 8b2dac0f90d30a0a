"""*Run on a folder …*: what is open, on many images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from pda_studio.gui.actions.action import FILE, Action, ready
from pda_studio.gui.jobs.jobs_controller import JobsController
from pda_studio.gui.results.results_controller import ResultsController
from pda_studio.gui.window.parts import Parts

if TYPE_CHECKING:
    from pda_studio.gui.batch.batch_controller import BatchController


class Batches(QObject):
    """Opens the dialog; what carries plans out needs the engine, and is made when first wanted.

    Parameters
    ----------
    parts : Parts
        Of the window.
    results : ResultsController
        Shows what a plan gave.
    jobs : JobsController
        Lists what runs.

    Attributes
    ----------
    controller : BatchController or None
        What carries plans out.
    """

    def __init__(self, parts: Parts, results: ResultsController, jobs: JobsController) -> None:
        super().__init__(parts.owner)
        self._parts, self._results, self._jobs = parts, results, jobs
        self.controller: BatchController | None = None
        parts.window.registry.add(
            Action(
                "run-on-folder",
                self.tr("Run on a folder …"),
                self.open,
                place=FILE.at(16),
                shortcut="Ctrl+Shift+U",
                help=self.tr(
                    "Computes the maps of the grid's methods and classifiers for many images."
                ),
                enabled=ready,
            )
        )

    def open(self) -> None:
        """Show the dialog, with what is open."""
        if self.controller is None:
            from pda_studio.gui.batch.batch_controller import BatchController

            parts = self._parts
            self.controller = BatchController(parts.window, parts.session, parts.jobs, self)
            self.controller.results_wanted.connect(self._results.open)
            parts.messages.follow(self.controller)
            self._jobs.add(self.controller.run_of)
        self.controller.open()

    def forget(self) -> None:
        """End with the window."""
        if self.controller is not None:
            self.controller.forget()


def install(parts: Parts, results: ResultsController, jobs: JobsController) -> Batches:
    """Add it to a window."""
    return Batches(parts, results, jobs)

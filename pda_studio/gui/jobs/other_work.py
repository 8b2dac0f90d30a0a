"""Work beside maps and studies that the list of jobs shows, whatever it is."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import SignalInstance

from pda_studio.gui.jobs.workload import Task


class OtherWork(Protocol):
    """Tells how far it is, and can be stopped and run again."""

    @property
    def progressed(self) -> SignalInstance:
        """Emitted when it has come further."""
        ...

    @property
    def task(self) -> Task | None:
        """What the list shows; None if there is nothing."""
        ...

    def stop(self) -> None:
        """Stop it."""

    def run(self) -> None:
        """Run it again, where it was."""

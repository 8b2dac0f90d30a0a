"""Offers a network's layers in the dialog of a study that takes one."""

from __future__ import annotations

from collections.abc import Callable

from shiboken6 import isValid

from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.gui.studies.study_dialog import StudyDialog
from pda_studio.gui.targets.layers import Layers, layers_of


def offer_layers(
    dialog: StudyDialog,
    session: Session,
    jobs: Jobs,
    failed: Callable[[object, str], None],
) -> None:
    """Let layers be chosen where a study has a parameter for one, once they are known."""
    column = session.selected_column
    classifier = session.classifier_of(column) if column else session.classifier
    rows = [row.layer for row in dialog.rows.values() if row.layer is not None]
    if not rows or classifier is None:
        return

    def offer(layers: Layers) -> None:
        for row in rows:
            if isValid(row):  # the dialog may have been replaced meanwhile
                row.offer(layers)

    jobs.start_short(lambda: layers_of(classifier), offer, failed)

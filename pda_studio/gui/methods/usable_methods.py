"""Which methods the open classifiers allow, found out in the background before one is chosen."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Signal

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.connections import follow
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.methods import METHODS
from pda_studio.methods.base import Need

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier

_log = logging.getLogger(__name__)


class UsableMethods(QObject):
    """Knows why methods cannot explain a classifier, soon after its first map can be seen."""

    found = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._reasons: WeakKeyDictionary[Classifier, dict[str, str]] = WeakKeyDictionary()
        self._unchecked: list[Classifier] = []
        follow(self, session.loaded, self._on_loaded)
        follow(self, session.panel_changed, self._check_when_seen)

    def reasons(self, classifier: Classifier | None) -> Mapping[str, str]:
        """Methods that cannot explain it, by name, with the reason; none before it is known."""
        return self._reasons.get(classifier, {}) if classifier is not None else {}

    def _on_loaded(self, choice: ClassifierChoice) -> None:
        classifier = self._session.classifiers.get(choice)
        if classifier is None or classifier in self._reasons or classifier in self._unchecked:
            return
        self._unchecked.append(classifier)
        self._check_when_seen()

    def _check_when_seen(self, *_: object) -> None:
        """Check what waits for it, once a map of it is seen or failed: that one comes first."""
        if not self._unchecked:
            return
        seen = {
            panel.request.classifier
            for panel in self._session.panels.values()
            if panel.request is not None
            and (panel.answers == panel.request or panel.state in ("stopped", "failed"))
        }
        for classifier in [one for one in self._unchecked if one.fingerprint in seen]:
            self._unchecked.remove(classifier)
            self._check(classifier)

    def _check(self, classifier: Classifier) -> None:
        def done(reasons: dict[str, str]) -> None:
            self._reasons[classifier] = reasons
            self.found.emit()

        # One at a time, so that a map's steps do not wait for all of them.
        for need in sorted({need for kind in METHODS.values() for need in kind.needs}):
            self._jobs.start_short(partial(_look_for, need, classifier), _ignore, _failed)
        self._jobs.start_short(partial(_reasons, classifier), done, _failed)


def _look_for(need: Need, classifier: Classifier) -> None:
    from pda_studio.attribution.needs import lacking

    lacking(need, classifier)  # which remembers it


def _reasons(classifier: Classifier) -> dict[str, str]:
    from pda_studio.attribution.needs import unusable_methods

    return unusable_methods(classifier)


def _ignore(_: object) -> None:
    """Nothing follows a single need."""


def _failed(error: BaseException, details: str) -> None:
    """Leave all methods in the list: each tells what it cannot, once it is tried."""
    _log.debug("Methods could not be checked: %s\n%s", error, details)

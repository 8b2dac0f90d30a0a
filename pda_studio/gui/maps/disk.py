"""Maps kept on the disk: for the background thread, as files are read and written here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pda_studio.gui.maps.panel_state import Request
from pda_studio.gui.session import fitting

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap, Subject
    from pda_studio.store.disk import Asked, DiskCache


class KeptMaps:
    """Finished maps by request; those of earlier days and of the command line, too."""

    @cached_property
    def _store(self) -> DiskCache:
        from pda_studio.store.disk import DiskCache

        return DiskCache()

    def asked(self, request: Request, subject: Subject) -> Asked:
        """What a request asks of the engine."""
        from pda_studio.store.disk import Asked

        method = fitting.kind_of(request.method).create(**request.values)
        return Asked.of(method, subject)

    def find(self, request: Request, subject: Subject) -> EvidenceMap | None:
        """The map of a request, if it was kept."""
        found = self._store.find(self.asked(request, subject))
        return None if found is None else found.evidence_map

    def keep(self, asked: Asked, evidence_map: EvidenceMap) -> None:
        """Keep a finished map."""
        self._store.keep(asked, evidence_map)

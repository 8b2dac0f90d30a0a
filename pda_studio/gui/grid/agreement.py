"""Whether variants' maps agree with the original's: turned back into its frame, and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pda_studio.document import turning
from pda_studio.document.model_input import preprocessing_of_row
from pda_studio.document.workspace import Column, Row
from pda_studio.gui.grid import geometry
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.session.session import Session
from pda_studio.results import EvidenceMap

if TYPE_CHECKING:
    from pda_studio.metrics.agreement import Agreement


class Comparisons:
    """Compares each row's maps with those of the same image as it was opened."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turned: dict[tuple[int, int], tuple[object, EvidenceMap]] = {}
        self._agreed: dict[tuple[int, int], tuple[object, Agreement | None]] = {}

    def shown(self, row: Row, column: Column, panel: PanelState) -> PanelState:
        """A panel with its map turned back, if that is wished."""
        if not row.turned_back or not isinstance(panel.shown, EvidenceMap):
            return panel
        turned = self.turned(row, column, panel.shown)
        return panel.replace(preview=turned) if panel.previewed else panel.replace(evidence=turned)

    def turned(self, row: Row, column: Column, evidence_map: EvidenceMap) -> EvidenceMap:
        """A variant's map in the frame of the original; what it does not show is not covered."""
        key = row.key, column.key
        made_of = evidence_map, row.operations
        known = self._turned.get(key)
        if known is not None and known[0] == made_of:
            return known[1]
        matrix = geometry.original_frame(self._session, row, column)
        turned = turning.turned(evidence_map, matrix, self._upright(row, column, evidence_map))
        self._turned[key] = made_of, turned
        return turned

    def agreement(self, row: Row, column: Column) -> Agreement | None:
        """How far a variant's finished map agrees with the original's."""
        session, original = self._session, self._session.work.original_of(row)
        if original is None:
            return None
        first, other = session.finished(original, column), session.finished(row, column)
        if not isinstance(first, EvidenceMap) or not isinstance(other, EvidenceMap):
            return None
        key, made_of = (row.key, column.key), (first, other, row.operations)
        known = self._agreed.get(key)
        if known is not None and known[0] == made_of:
            return known[1]
        found = turning.compared(first, self.turned(row, column, other))
        self._agreed[key] = made_of, found
        return found

    def text(self, row: Row, column: Column) -> str:
        """The agreement in a few words; "" where there is nothing to compare."""
        return turning.in_words(self.agreement(row, column)) if row.operations else ""

    def _upright(self, row: Row, column: Column, evidence_map: EvidenceMap) -> np.ndarray:
        original = self._session.work.original_of(row)
        prediction = self._session.prediction(original.key, column) if original else None
        if prediction is not None:
            return prediction.subject.view
        image = self._session.work.image_of(row)
        loaded = self._session.classifier_of(column)
        if image is None or loaded is None:
            return evidence_map.view
        width, height = image.image.width, image.image.height
        upright = preprocessing_of_row(loaded.preprocessing, row.upright, width, height)
        view: np.ndarray = upright.view(image.image)
        return view

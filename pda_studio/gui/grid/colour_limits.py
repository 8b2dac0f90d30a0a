"""Where the colour scales of the panels end: each map's own, or one that panels share."""

from __future__ import annotations

from pda_studio.gui.session.session import Key, Session
from pda_studio.rendering import OverlayStyle, scale_end
from pda_studio.rendering.appearance import Appearance
from pda_studio.results import EvidenceMap


def limit_of(session: Session, appearance: Appearance, key: Key) -> float:
    """Where a panel's colour scale ends; 1 where there is no map."""
    shown = session.panel(*key).shown
    if not isinstance(shown, EvidenceMap):
        return 1.0
    if appearance.scale != "all":
        return scale_end(shown, (), appearance)
    found = [panel.shown for panel in session.panels.values()]
    return scale_end(shown, [one for one in found if isinstance(one, EvidenceMap)], appearance)


def layer_limit_of(
    session: Session, appearance: Appearance, key: Key, style: OverlayStyle
) -> float:
    """Where the scale of a layer that is computed with the evidence ends."""
    found = session.panel(*key).evidence
    panels = session.panels.values()
    maps = [panel.evidence for panel in panels if isinstance(panel.evidence, EvidenceMap)]
    if not isinstance(found, EvidenceMap):
        return 1.0
    return style.limit(found, maps, appearance)

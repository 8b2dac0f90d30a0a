"""What the caption under a map says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from pda_studio.diagnostics import approximation, warnings
from pda_studio.gui.maps.panel_state import PanelState
from pda_studio.gui.window import numbers as words
from pda_studio.results import EvidenceMap

if TYPE_CHECKING:
    from pda_studio.results import Result


def caption_of(
    result: Result, panel: PanelState, agreement: str, layer: str = ""
) -> tuple[str, ...]:
    """Two lines, and for the tooltip more: how it was computed.

    Whatever else there is to say, the second begins with the approximation error.

    Parameters
    ----------
    result : Result
        The map.
    panel : PanelState
        How far it has come.
    agreement : str
        How far it agrees with the original's.
    layer : str
        What of the map is drawn; "" for its evidence.
    """
    first = f"P({result.target_name}) {words.percentage(result.value)}"
    if not result.has_probability:
        number = "" if math.isnan(result.value) else words.plain(result.value)
        first = f"{result.target_name} {number}".strip()
    if panel.previewed:
        return tuple(filter(None, (layer, first, *_about_preview(result, panel))))
    estimate = approximation(result.diagnostics)
    windows = _windows(result, panel) if estimate is None else ""
    cost = " · ".join(filter(None, (windows, words.duration(result.seconds))))
    forward = result.forward if isinstance(result, EvidenceMap) else ""
    found = ", ".join(filter(None, map(str, result.diagnostics)))
    warning = "; ".join(f"⚠ {one}" for one in warnings(result.diagnostics))
    forward = forward and f"Forward: {forward}"
    lines = layer, first, warning, agreement, cost, forward, found
    first, second, *others = filter(None, lines)
    if estimate is not None:
        second = f"{estimate.short} · {second}"
    return first, second, *others


def _windows(result: Result, panel: PanelState) -> str:
    """How many windows were scored, as far as that is known."""
    if isinstance(result, EvidenceMap) and result.scores is not None:
        return f"{words.count(len(result.scores.grid))} windows"
    if panel.state in ("running", "stopped") and panel.total and not panel.stale:
        return f"{words.count(panel.done)} of {words.count(panel.total)} windows"
    return ""


def offer_of(panel: PanelState) -> str:
    """What is offered beside a finished map that can be refined; else ""."""
    if panel.state != "done" or panel.evidence is None or panel.request is None:
        return ""
    finer = panel.request.method.finer(panel.evidence)
    if finer is None:
        return ""
    tolerance = getattr(finer, "tolerance", 0.0)
    if not tolerance:
        return QCoreApplication.translate("Offer", "Refine to exact")
    return QCoreApplication.translate("Offer", "Refine to {0} %").format(f"{100 * tolerance:g}")


def _about_preview(preview: Result, panel: PanelState) -> tuple[str, str]:
    """What is exact by now, and how the rest was come by; the other way round at first."""
    rough = preview.how
    if "stride" in preview.parameters:
        rough += f", stride {preview.parameters['stride']}"
    windows = f"{words.count(panel.done)} of {words.count(panel.total)} windows"
    if not panel.done or panel.stale:
        if panel.state == "stopped":
            return "Stopped before anything exact", f"Preview: {rough}"
        return f"Preview: {rough}", "Nothing is exact yet"
    text = f"Stopped at {windows}" if panel.state == "stopped" else f"{windows} exact"
    return text, f"Elsewhere a preview: {rough}"

"""How evidence is drawn: colours, overlay styles, thresholds, scales; in window and figures.

Knows neither Qt nor files nor matplotlib. What takes a while to import, colour maps and contours,
is imported when one of them is wanted.
"""

from pda_studio.rendering import styles  # enters all of them into STYLES
from pda_studio.rendering.appearance import SCALES, SIGNS, THRESHOLDS, Appearance, Threshold
from pda_studio.rendering.colour_maps import DIVERGING, SEQUENTIAL, ColourMap, colour_map
from pda_studio.rendering.contours import Contour, contours
from pda_studio.rendering.drawing import colour_scale, heat_map, overlay
from pda_studio.rendering.panel_styles import (
    PanelStyle,
    overlay_styles,
    panel_styles,
    shown_by_every_map,
)
from pda_studio.rendering.scales import floor, is_unsigned, map_colours, scale_end, scale_start
from pda_studio.rendering.style import STYLES, Drawing, OverlayStyle

__all__ = [
    "DIVERGING",
    "SCALES",
    "SEQUENTIAL",
    "SIGNS",
    "STYLES",
    "THRESHOLDS",
    "Appearance",
    "ColourMap",
    "Contour",
    "Drawing",
    "OverlayStyle",
    "PanelStyle",
    "Threshold",
    "colour_map",
    "colour_scale",
    "contours",
    "floor",
    "heat_map",
    "is_unsigned",
    "map_colours",
    "overlay",
    "overlay_styles",
    "panel_styles",
    "scale_end",
    "scale_start",
    "shown_by_every_map",
    "styles",
]

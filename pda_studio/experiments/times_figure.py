"""The figure of times: what a map takes, and a forward pass in batches of every size."""

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from pda_studio.durations import duration
from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.experiments.times import Times
from pda_studio.figures.saving import DPI

_WIDTH, _BAR = 7.2, 0.2  # inches
_INFILLS, _FORWARD = "#ef8a62", "#2166ac"
_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def draw_times(found: Sequence[Times]) -> Figure:
    """Draw a bar for each method and classifier in the largest batch, and the curves of batches."""
    bars = []
    for one in found:
        known = [entry for entry in one.maps if entry.seconds is not None]
        largest = max((entry.batch for entry in known), default=0)
        bars += [(one.classifier, entry) for entry in known if entry.batch == largest]
    longest = max((entry.seconds or 0 for _, entry in bars), default=1.0)
    size, unit = next((pair for pair in _UNITS if longest >= pair[0]), _UNITS[-1])
    with matplotlib.rc_context({**CHART_STYLE, "lines.markersize": 3}):
        height = max(2.2, 0.9 + _BAR * len(bars))
        figure = Figure(figsize=(_WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
        for place, (_, entry) in enumerate(bars):
            infills, forward = entry.infill_seconds / size, (entry.forward_seconds or 0) / size
            names = {"label": "infills"} if not place else {}
            left.barh(place, infills, color=_INFILLS, height=0.7, **names)
            names = {"label": "forward passes"} if not place else {}
            left.barh(place, forward, left=infills, color=_FORWARD, height=0.7, **names)
            text = f" {duration(entry.seconds or 0)}"
            left.text(infills + forward, place, text, va="center", fontsize=6, color=INK)
        left.set_yticks(
            range(len(bars)),
            [f"{name}, {e.method}\nbatch of {e.batch}" for name, e in bars],
            fontsize=6,
        )
        left.invert_yaxis()
        left.margins(x=0.2)
        left.set_xlabel(f"time of a map ({unit})")
        left.legend(frameon=False, fontsize=6, loc="lower right")
        for one in found:
            known = [entry for entry in one.maps[::2] if entry.batch_seconds is not None]
            per_image = [1000 * (entry.batch_seconds or 0) / entry.batch for entry in known]
            right.plot([entry.batch for entry in known], per_image, "o-", label=one.classifier)
        batches = sorted({entry.batch for one in found for entry in one.maps})
        right.set_xscale("log")
        right.set_yscale("log")
        right.set_xticks(batches, [str(batch) for batch in batches])
        right.minorticks_off()
        right.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        right.set_xlabel("batch")
        right.set_ylabel("forward time an image (ms)")
        right.legend(frameon=False, fontsize=6)
        for axes in (left, right):
            without_box(axes, color=GREY)
    return figure

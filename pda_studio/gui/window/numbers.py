"""Numbers as people read them."""

import math

from pda_studio.counts import written
from pda_studio.durations import duration as duration
from pda_studio.targets import OutputKind


def count(number: float) -> str:
    """12345 → “12,345”."""
    return f"{number:,.0f}"


def outputs(number: int, kind: OutputKind) -> str:
    """How many classes, or outputs that are none: “1,000 classes”, “1 output”."""
    if kind == "softmax":
        return f"{count(number)} classes"
    return f"{count(number)} output{'s' if number > 1 else ''}"


def evidence(value: float, limit: float) -> str:
    """Evidence with its sign and with the decimals that a scale up to `limit` calls for."""
    return signed(value, limit, decimals=3).replace("-", "−")


def signed(value: float, limit: float, sign: str = "+", decimals: int = 2) -> str:
    """A number with the decimals, or the power of ten, that a scale up to `limit` calls for."""
    power = math.floor(math.log10(max(limit, 1e-300)))
    if -4 < power < 5:
        places = max(decimals - power, 0)
        rounded = round(value, places)
        return f"{rounded:{sign}.{places}f}" if rounded else f"{0:.{places}f}"
    mantissa = round(value / 10.0**power, decimals)
    return f"{mantissa:{sign}.{decimals}f}e{power}" if mantissa else "0"


def plain(value: float) -> str:
    """A value with three figures: “−0.417”, “12.5”."""
    return written(value, ".3g")


def percentage(probability: float) -> str:
    """A probability as a percentage that never claims certainty: “99.9 %”, “< 0.1 %”."""
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return f"{100 * probability:.1f} %"

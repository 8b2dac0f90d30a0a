"""Numbers as people read them."""

import math


def count(number: float) -> str:
    """12345 → “12,345”."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """Seconds as a rounded time: “0.4 s”, “12 s”, “4 min”, “2 h 10 min”."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def evidence(value: float, limit: float) -> str:
    """Evidence with its sign and with the decimals that a scale up to `limit` calls for."""
    places = decimals(limit)
    rounded = round(value, places)
    if rounded == 0:
        return f"{0:.{places}f}"
    return f"{rounded:+.{places}f}".replace("-", "−")


def decimals(limit: float) -> int:
    """Decimals that show about three digits of values up to `limit`."""
    return min(max(2 - math.floor(math.log10(max(limit, 1e-12))), 0), 9)


def percentage(probability: float) -> str:
    """A probability as a percentage that never claims certainty: “99.9 %”, “< 0.1 %”."""
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return f"{100 * probability:.1f} %"

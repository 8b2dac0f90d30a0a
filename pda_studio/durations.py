"""Times as people read them."""


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

"""Whether there is a display that answers: Qt ends the process where there is none."""

import ctypes
import os
import socket
import sys
from pathlib import Path

_PLATFORM = "QT_QPA_PLATFORM"


def problem() -> str:
    """Say in a sentence why no window can be opened here; "" if one can.

    Only on Linux can there be none. A platform that was chosen by QT_QPA_PLATFORM is believed,
    unless it is X or Wayland.
    """
    if not sys.platform.startswith("linux"):
        return ""
    chosen = os.environ.get(_PLATFORM, "").partition(":")[0].partition(";")[0]
    if chosen and chosen not in ("xcb", "wayland"):
        return ""
    names = {"xcb": ("DISPLAY",), "wayland": ("WAYLAND_DISPLAY",)}.get(
        chosen, ("DISPLAY", "WAYLAND_DISPLAY")
    )
    named = [(name, value) for name in names if (value := os.environ.get(name))]
    if not named:
        return "There is no display to open a window on."
    answers = {"DISPLAY": _x_answers, "WAYLAND_DISPLAY": _wayland_answers}
    if any(answers[name](value) for name, value in named):
        return ""
    listed = " and ".join(f"{name}={value}" for name, value in named)
    return f"The display does not answer ({listed})."


def _x_answers(display: str) -> bool:
    """Whether an X server lets us in, as Qt will ask it to."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # Qt brings no other: without it there is no window on X
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not failed


def _wayland_answers(display: str) -> bool:
    """Whether a compositor listens on the socket."""
    path = Path(os.environ.get("XDG_RUNTIME_DIR", ""), display)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(2)
            one.connect(str(path))
    except OSError:
        return False
    return True

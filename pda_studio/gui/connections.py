"""Subscriptions that end with their owner."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from psygnal import SignalGroup, SignalInstance
from PySide6.QtCore import QObject


def follow(owner: QObject, signal: SignalInstance | SignalGroup, slot: Callable[..., Any]) -> None:
    """Call a method when a psygnal signal is emitted, until the owner is destroyed.

    Qt ends its own connections when a receiver is deleted; psygnal knows only Python's references,
    and would call methods of objects that Qt has deleted.

    Parameters
    ----------
    owner : QObject
        With which the subscription ends.
    signal : SignalInstance or SignalGroup
        What is followed.
    slot : callable
        A bound method, usually the owner's; it is held weakly.
    """
    signal.connect(slot)
    method = weakref.WeakMethod(slot)

    def end() -> None:
        alive = method()
        if alive is not None:
            signal.disconnect(alive, missing_ok=True)

    owner.destroyed.connect(end)

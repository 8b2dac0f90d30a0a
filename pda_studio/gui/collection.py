"""Python's garbage collection, which the window's start does without."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect nothing meanwhile: what a start makes stays, and to look through it takes long."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if not gc.get_freeze_count():
                # All of it, unseen, to the oldest generation. Else the first object that is made
                # afterwards has it looked through: a twentieth of a second before the first paint.
                gc.freeze()
                gc.unfreeze()
            gc.enable()

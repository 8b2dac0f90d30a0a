"""The C library's allocator, told to keep what is freed for the next batch.

A forward pass allocates and frees the same megabytes again and again. By default glibc gives large
blocks back to the system at once, and the system clears every page anew: on a processor that costs
up to half of the time of a batch.
"""

import ctypes
import sys
from functools import lru_cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of parameters in <malloc.h>
_LARGEST_KEPT = 32 * 2**20  # bytes: the most that glibc allows
_KEPT_IN_ALL = 2**31 - 1


@lru_cache(maxsize=1)
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Keep freed memory for the next allocation. Once a process, best before threads start."""
    glibc = _glibc()
    if glibc is not None:
        glibc.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        glibc.mallopt(_TRIM_THRESHOLD, _KEPT_IN_ALL)
        glibc.mallopt(_ARENA_MAX, 1)  # the other arenas give memory back whatever is said


def return_freed_memory() -> None:
    """Give the system back what is kept: after the work."""
    glibc = _glibc()
    if glibc is not None:
        glibc.malloc_trim(0)

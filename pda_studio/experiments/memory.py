"""How much memory a piece of work takes at its peak."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from pda_studio.pda.allocator import return_freed_memory

_MEGABYTE = 2**20
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory(work: Callable[[], object], device: torch.device) -> float | None:
    """Do a piece of work; returns the megabytes that it took at its peak.

    On CUDA, what PyTorch had allocated there at most, over what it had before. Else, how far the
    process's resident memory rose: on Linux its high-water mark is reset first. Where only the
    mark of the whole process is known, what stays below it is unknown, and is None.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return (torch.cuda.max_memory_allocated(device) - before) / _MEGABYTE
    return_freed_memory()  # what others have freed would hide what this work takes
    is_reset = _reset()
    highest, now = _highest(), _now()
    work()
    peak = _highest()
    if peak is None or highest is None or now is None or (peak <= highest and not is_reset):
        return None
    return max(0, peak - now) / _MEGABYTE


def _reset() -> bool:
    """Lower the high-water mark to what is resident now, where Linux lets us."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _now() -> int | None:
    """Resident memory, in bytes."""
    if (known := _status("VmRSS")) is not None:
        return known
    try:
        command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return int(printed) * 1024
    except (OSError, ValueError, subprocess.SubprocessError):  # Windows
        return None


def _highest() -> int | None:
    """The most resident memory so far, in bytes."""
    if (known := _status("VmHWM")) is not None:
        return known
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{name}:")), None)
    return int(found.split()[1]) * 1024 if found else None

"""Finished maps: as files, in memory, and in the cache on the disk, found by what they are."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pda_studio.store.disk import CacheEntry, CacheHit, DiskCache
    from pda_studio.store.explaining import explain
    from pda_studio.store.map_store import MapStore
    from pda_studio.store.maps import load_map, save_map
    from pda_studio.store.placed import Placed

__all__ = [
    "CacheEntry",
    "CacheHit",
    "DiskCache",
    "MapStore",
    "Placed",
    "explain",
    "load_map",
    "save_map",
]

_HOMES = {
    "CacheEntry": "disk",
    "CacheHit": "disk",
    "DiskCache": "disk",
    "MapStore": "map_store",
    "explain": "explaining",
    "load_map": "maps",
    "save_map": "maps",
    "Placed": "placed",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the window has a store before the engine is there."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

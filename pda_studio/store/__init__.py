"""Saving work: finished maps as files, and in a cache that finds them again."""

from pda_studio.store.disk import Asked, DiskCache, Found
from pda_studio.store.explaining import explain
from pda_studio.store.maps import load_map, save_map

__all__ = ["Asked", "DiskCache", "Found", "explain", "load_map", "save_map"]

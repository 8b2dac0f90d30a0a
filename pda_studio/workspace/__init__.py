"""Keeping work: finished maps as files, and in a cache that finds them again."""

from pda_studio.workspace.explaining import explain
from pda_studio.workspace.map_cache import Asked, DiskCache, Found
from pda_studio.workspace.maps import load_map, save_map

__all__ = ["Asked", "DiskCache", "Found", "explain", "load_map", "save_map"]

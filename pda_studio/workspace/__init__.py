"""Keeping work: finished maps as files."""

from pda_studio.workspace.maps import load_map, save_map

__all__ = ["load_map", "save_map"]

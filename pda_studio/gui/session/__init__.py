"""The open workspace: its edits, undo, saved files and recovery."""

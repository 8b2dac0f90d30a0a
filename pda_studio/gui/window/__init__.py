"""The main window and what ties its parts together."""

"""The selected column: its method and parameters."""

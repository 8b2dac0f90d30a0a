"""Data that ships with PDA Studio: read through `importlib.resources`."""

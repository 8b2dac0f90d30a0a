"""Wiring: what the user does, what the worker answers, and who is told."""

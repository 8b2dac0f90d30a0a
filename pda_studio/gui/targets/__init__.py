"""Choosing the target: predictions, contrasts, hidden units."""

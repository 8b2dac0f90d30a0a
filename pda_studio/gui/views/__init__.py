"""Widgets; pyqtgraph only here."""

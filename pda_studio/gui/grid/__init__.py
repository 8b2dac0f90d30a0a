"""The grid of panels: rows of views, columns of attribution maps."""

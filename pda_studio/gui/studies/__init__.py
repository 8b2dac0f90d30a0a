"""Studies in the window: a dialog for each, made from its declaration."""

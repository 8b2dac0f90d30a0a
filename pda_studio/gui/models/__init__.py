"""State of the window as plain observable objects: no widgets, no Qt."""

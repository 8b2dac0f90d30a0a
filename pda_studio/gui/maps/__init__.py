"""Attribution maps of the panels: what is computed, previewed, cached and shown."""

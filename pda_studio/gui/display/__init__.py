"""How maps are displayed."""

"""The opened image's values: which are shown black and white, and which page of a stack."""

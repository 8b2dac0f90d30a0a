"""Experiments over the ways to explain: how fast, how alike, how sure they are."""

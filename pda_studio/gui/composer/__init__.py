"""The composer of figures."""

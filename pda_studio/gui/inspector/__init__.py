"""The inspector: windows over a pixel, region removal, the deletion curve."""

"""The heart: one loop over windows × infill × forward × difference."""

"""Opening images, classifiers and weights."""

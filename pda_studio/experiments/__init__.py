"""The work of the studies, with PyTorch: patches and what they are worth, speed and memory."""

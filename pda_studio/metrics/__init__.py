"""What is measured of attribution maps: agreement, fidelity, relevance gain."""

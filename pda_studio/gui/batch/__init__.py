"""Running what is open on many images: a plan from the grid, carried out in the background."""

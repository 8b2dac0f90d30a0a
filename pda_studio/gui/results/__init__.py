"""Results of a batch, and folders of images, as a grid of thumbnails."""

"""Reading images: whatever the file or array looks like, RGB with eight bits per colour."""

from pda_studio.images.depth import Pixels, as_rgb
from pda_studio.images.reading import FORMATS, ReadImage, load_image, read_image

__all__ = ["FORMATS", "Pixels", "ReadImage", "as_rgb", "load_image", "read_image"]

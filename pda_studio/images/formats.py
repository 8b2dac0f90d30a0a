"""The formats of images that can be opened: one declaration each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A format of image files.

    Attributes
    ----------
    name : str
        For people.
    pillow : str
        Pillow's name for it; "" where another library reads it.
    suffixes : tuple of str
        What names of such files end in, in small letters.
    extra : str
        The optional extra that reads it; "" where nothing more need be installed.
    """

    name: str
    pillow: str
    suffixes: tuple[str, ...]
    extra: str = ""


FORMATS = (
    Format("JPEG", "JPEG", (".jpg", ".jpeg")),
    Format("PNG", "PNG", (".png",)),
    Format("TIFF", "TIFF", (".tif", ".tiff")),
    Format("BMP", "BMP", (".bmp",)),
    Format("WebP", "WEBP", (".webp",)),
    Format("GIF", "GIF", (".gif",)),
    Format("JPEG 2000", "JPEG2000", (".jp2", ".j2k", ".jpx")),
    Format("AVIF", "AVIF", (".avif",)),
    Format("HEIC", "HEIF", (".heic", ".heif"), extra="heic"),
    Format("DICOM", "", (".dcm", ".dicom"), extra="medical"),
    Format("NIfTI", "", (".nii", ".nii.gz"), extra="medical"),
)
"""Also what Pillow may try: others of its readers start programs such as Ghostscript."""

SUFFIXES = tuple(suffix for one in FORMATS for suffix in one.suffixes)
NAMES = ", ".join(one.name for one in FORMATS[:-1]) + f" or {FORMATS[-1].name}"


def is_named_as_image(name: str) -> bool:
    """Whether a file's name ends as those of images do."""
    return name.lower().endswith(SUFFIXES)

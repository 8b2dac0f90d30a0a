"""What the headers of a JPEG say, before anything is decoded."""

from dataclasses import dataclass
from pathlib import Path

from pda_studio.errors import PdaStudioError

_MOST_SCANS = 500  # of a progressive JPEG; programs write about ten
_MOST_SCANNED = 4_000_000_000  # pixels over which they go: some seconds


@dataclass(frozen=True)
class JpegFrame:
    """What a JPEG's frame header says: bits of a sample, and the size in pixels."""

    bits: int = 8
    height: int = 0
    width: int = 0


def jpeg_frame(data: bytes) -> JpegFrame:
    """The first frame header of a JPEG; of 8 bits and no size where there is none."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 5, at + 7))
            return JpegFrame(data[at + 4], height, width)
        at += 2 + length
    return JpegFrame()


def check_scans(data: bytes, frame: JpegFrame, path: Path) -> None:
    """Refuse a JPEG that is made to take minutes: each scan goes over the whole image."""
    scans = data.count(b"\xff\xda")
    if scans > _MOST_SCANS or scans * frame.width * frame.height > _MOST_SCANNED:
        raise PdaStudioError(
            f"Cannot read {path}: it has {scans:,} scans, as no camera or program writes them;"
            " save it anew."
        )

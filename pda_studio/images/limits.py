"""How large an image may be, and the sentences for one that is not readable."""

from pathlib import Path

from pda_studio.errors import PdaStudioError, UsageError

SMALLEST_SIDE = 4
MOST_PIXELS = 100_000_000


def check_size(width: int, height: int, what: str) -> None:
    """Refuse an image that is too small or too large.

    Raises
    ------
    PdaStudioError
        With its size, in pixels.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise PdaStudioError(
            f"{what} has only {width}×{height} pixels; "
            f"at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed."
        )
    if width * height > MOST_PIXELS:
        raise PdaStudioError(
            f"{what} has {width:,}×{height:,} pixels; scale it down to at most 100 million."
        )


def check_page(page: int, pages: int, path: Path, what: str = "page") -> None:
    """Refuse a page, or what else is counted, that a file has not.

    Raises
    ------
    UsageError
        With how many it has.
    """
    if not 1 <= page <= pages:
        has = f"only one {what}" if pages == 1 else f"{pages} {what}s"
        raise UsageError(f"{path} has {has}; there is no {what} {page}.")


def damaged(path: Path) -> PdaStudioError:
    """The error for a file that is not as it was written."""
    return PdaStudioError(
        f"Cannot read {path}: the file is damaged or incomplete; get an intact copy."
    )


def no_memory(path: Path) -> PdaStudioError:
    """The error for an image that does not fit into memory."""
    return PdaStudioError(f"Cannot read {path}: not enough memory; scale it down.")

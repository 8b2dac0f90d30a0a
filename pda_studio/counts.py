"""Counts as people say them."""


def counted(number: int, what: str) -> str:
    """A number with its noun, in the plural where it is not 1: "1 image", "2 images"."""
    return f"{number} {what}{'' if number == 1 else 's'}"

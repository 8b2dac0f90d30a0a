"""Counts, numbers and names as people write them."""


def counted(number: int, what: str) -> str:
    """A number with its noun, in the plural where it is not 1: "1 image", "2 images"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def written(value: float, form: str = ".2f") -> str:
    """A number with a true minus sign, and none before 0: "−0.12", "0.00"."""
    return f"{value:z{form}}".replace("-", "−")


def plain_name(name: str) -> str:
    """A class's name whatever its case, with spaces for the signs that folders have instead."""
    return " ".join(name.replace("_", " ").casefold().split())

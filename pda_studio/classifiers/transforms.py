"""What others' preprocessing says: torchvision's presets and transforms, timm's settings."""

from collections.abc import Iterable, Mapping
from typing import Any

from pda_studio.classifiers.preprocessing import INTERPOLATIONS, Preprocessing
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import UsageError

_PLAIN = (
    "ToTensor", "PILToTensor", "ToImage", "ToPILImage", "ConvertImageDtype", "ToDtype",
    "ToPureTensor", "Identity", "Grayscale", "MaybeToTensor",
)  # fmt: skip
_REFUSED = "Preprocessing with “{0}” cannot be followed: give input_size, mean and std instead."
TIMM_SETTINGS = ("input_size", "mean", "std", "crop_pct", "crop_mode", "interpolation")
"""What of timm's settings of a network is followed."""


def spec_of(given: object) -> ClassifierSpec:
    """What a preprocessing of any usual kind says.

    Parameters
    ----------
    given : object
        `Preprocessing`, `ClassifierSpec`, a preset of torchvision (`weights.transforms()`), a
        `Compose` of its transforms that resizes, cuts out the middle and normalises, or a mapping
        with timm's or our names.

    Raises
    ------
    UsageError
        If it does something that is not known here.
    """
    if given is None:
        return ClassifierSpec()
    if isinstance(given, ClassifierSpec):
        return given
    if isinstance(given, Preprocessing):
        return ClassifierSpec.of_preprocessing(given)
    if isinstance(given, Mapping):
        return _of_mapping(given)
    if hasattr(given, "crop_size") and hasattr(given, "resize_size"):
        return ClassifierSpec.of(
            input_size=_size(given.crop_size),
            resize=_side(given.resize_size),
            mean=_floats(given.mean),  # type: ignore[attr-defined]
            std=_floats(given.std),  # type: ignore[attr-defined]
            interpolation=_interpolation(given),
        )
    if hasattr(given, "transforms"):
        return _of_steps(given.transforms)
    return _of_steps([given])


def _of_mapping(given: Mapping[str, Any]) -> ClassifierSpec:
    size = given.get("input_size")
    with_channels = isinstance(size, tuple | list) and len(size) == 3
    if "crop_pct" not in given and not with_channels:
        return ClassifierSpec.of(**given)
    said: dict[str, Any] = {name: given.get(name) for name in ("interpolation", "channel_order")}
    if said["interpolation"] not in INTERPOLATIONS:
        said["interpolation"] = None
    if size is not None:
        if isinstance(size, Iterable):
            *channels, down, across = size
            said["channels"] = channels[0] if channels else 3
            said["input_size"] = _size((down, across))
        else:
            said["channels"], said["input_size"] = 3, int(size)
        share = float(given.get("crop_pct") or 1)
        shorter = _shorter(said["input_size"])
        if given.get("crop_mode") == "squash" and share == 1:
            said["fit"] = "stretch"
        else:
            said["resize"] = max(shorter, int(shorter / share))
    for name in ("mean", "std"):
        if given.get(name) is not None:
            said[name] = _floats(given[name])
    return ClassifierSpec.of(**said)


def _of_steps(steps: Iterable[object]) -> ClassifierSpec:
    said: dict[str, Any] = {}
    for step in steps:
        kind = type(step).__name__
        if kind == "Resize":
            said["interpolation"] = _interpolation(step)
            size = _of(step, "size")
            if isinstance(size, Iterable) and len(tuple(size)) == 2:  # whatever the image's aspect
                said["input_size"], said["fit"] = _size(size), "stretch"
            else:
                said["resize"] = _side(size)
        elif kind == "CenterCrop":
            cut = _size(_of(step, "size"))
            if said.get("fit") == "stretch" and cut != said["input_size"]:
                raise UsageError(_REFUSED.format("Resize with two sides, then CenterCrop"))
            said["input_size"] = cut
        elif kind == "Normalize":
            said["mean"], said["std"] = _floats(_of(step, "mean")), _floats(_of(step, "std"))
        elif kind == "Grayscale":
            said["channels"] = int(_of(step, "num_output_channels"))
        elif kind == "Compose":
            said |= _of_steps(_of(step, "transforms")).said()
        elif kind not in _PLAIN:
            raise UsageError(_REFUSED.format(kind))
    if "resize" in said:
        said.setdefault("input_size", said["resize"])
    return ClassifierSpec.of(**said)


def _of(step: object, name: str) -> Any:
    return getattr(step, name)


def _interpolation(given: object) -> str | None:
    value = getattr(getattr(given, "interpolation", None), "value", None)
    return value if value in INTERPOLATIONS else None


def _side(size: Any) -> int:
    sides = tuple(size) if isinstance(size, Iterable) else (size,)
    if len(set(sides)) != 1:
        raise UsageError(
            f"A resize goes by the shorter side, not by {' × '.join(map(str, sides))} pixels."
        )
    return int(sides[0])


def _size(size: Any) -> int | tuple[int, int]:
    """One side of a square, or height and width."""
    sides = tuple(size) if isinstance(size, Iterable) else (size,)
    if len(sides) > 2:
        raise UsageError(f"The input must have a height and a width, not {len(sides)} sizes.")
    return int(sides[0]) if len(set(sides)) == 1 else (int(sides[0]), int(sides[1]))


def _shorter(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else min(size)


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in (values if isinstance(values, Iterable) else (values,)))

"""What others' preprocessing says: torchvision's presets and transforms, timm's settings."""

from collections.abc import Iterable, Mapping
from typing import Any

from pda_studio.classifiers.preprocessing import Preprocessing
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import UsageError

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic")
_PLAIN = (
    "ToTensor", "PILToTensor", "ToImage", "ToPILImage", "ConvertImageDtype", "ToDtype",
    "ToPureTensor", "Identity", "Grayscale", "MaybeToTensor",
)  # fmt: skip
_REFUSED = "Preprocessing with “{0}” cannot be followed: give input_size, mean and std instead."


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
            input_size=_side(given.crop_size),
            resize=_side(given.resize_size),
            mean=_floats(given.mean),  # type: ignore[attr-defined]
            std=_floats(given.std),  # type: ignore[attr-defined]
            interpolation=_interpolation(given),
        )
    if hasattr(given, "transforms"):
        return _of_steps(given.transforms)
    return _of_steps([given])


def _of_mapping(given: Mapping[str, Any]) -> ClassifierSpec:
    if "crop_pct" not in given and not isinstance(given.get("input_size"), tuple | list):
        return ClassifierSpec.of(**given)
    said: dict[str, Any] = {"interpolation": given.get("interpolation")}
    if said["interpolation"] not in _INTERPOLATIONS:
        said["interpolation"] = None
    size = given.get("input_size")
    if size is not None:
        channels, *sides = tuple(size) if isinstance(size, Iterable) else (3, size)
        said["channels"], said["input_size"] = channels, _side(sides)
        share = float(given.get("crop_pct") or 1)
        said["resize"] = max(said["input_size"], int(said["input_size"] / share))
    for name in ("mean", "std"):
        if given.get(name) is not None:
            said[name] = _floats(given[name])
    return ClassifierSpec.of(**said)


def _of_steps(steps: Iterable[object]) -> ClassifierSpec:
    said: dict[str, Any] = {}
    for step in steps:
        kind = type(step).__name__
        if kind == "Resize":
            said["resize"], said["interpolation"] = _side(_of(step, "size")), _interpolation(step)
        elif kind == "CenterCrop":
            said["input_size"] = _side(_of(step, "size"))
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
    return value if value in _INTERPOLATIONS else None


def _side(size: Any) -> int:
    sides = tuple(size) if isinstance(size, Iterable) else (size,)
    if len(set(sides)) != 1:
        raise UsageError(f"The input must be square, not {' × '.join(map(str, sides))} pixels.")
    return int(sides[0])


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in (values if isinstance(values, Iterable) else (values,)))

"""The command that gives a map or a study again: exact, with every value that was set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pda_studio.targets import Target, options_of

if TYPE_CHECKING:
    from pda_studio.images.fit import CropBox, Fit
    from pda_studio.methods import Method
    from pda_studio.studies import Study

IMAGE = "IMAGE"
"""Stands for an image that has no file."""


@dataclass(frozen=True)
class Origin:
    """What a map or a study was made from.

    Attributes
    ----------
    image : Path or None
        The image's file; None where there is none, or it is not known.
    classifiers : tuple of (str, str or None)
        Names and weights, as `load_classifier` has them.
    target : Target or None
        What is explained.
    methods : tuple of Method
        What a study compares.
    fit, crop
        What of the image the network gets, where that was chosen.
    """

    image: Path | None
    classifiers: tuple[tuple[str, str | None], ...]
    target: Target | None = None
    methods: tuple[Method, ...] = ()
    fit: Fit | None = None
    crop: CropBox | None = None


def explain_command(method: Method, origin: Origin) -> list[str]:
    """The words that give a map."""
    words = ["explain", str(origin.image or IMAGE), "--output", "map.npz"]
    words += ["--method", method.name, *_options(method, method.inactive())]
    return [*words, *_classifiers(origin), *_target(origin.target), *_model_input(origin)]


def study_command(study: Study, origin: Origin) -> list[str]:
    """The words that give a study's table."""
    needs = study.needs
    words = ["study", study.name]
    words += [str(getattr(study, one.name)) for one in study.parameters() if one.required]
    if needs & {"subject", "images"} and getattr(study, "folder", None) is None:
        words.append(str(origin.image or IMAGE))
    words += _options(study, {one.name for one in study.parameters() if one.required})
    if study.alone:
        return [*words, "--csv", f"{study.name}.csv"]
    words += _classifiers(origin)
    if "methods" in needs:
        words += ["--method", *(_on_a_line(one) for one in origin.methods)]
    if needs & {"subject", "images"}:
        words += _target(origin.target)
    if "classifiers" not in needs:
        words += _model_input(origin)
    return [*words, "--csv", f"{study.name}.csv"]


def _options(declared: Any, without: frozenset[str] | set[str] = frozenset()) -> list[str]:
    words = []
    for known in declared.parameters():
        value = getattr(declared, known.name)
        usual = value == known.default and hasattr(declared, "steps") and not _is_method(declared)
        if value is not None and known.name not in without and not usual:
            words += [f"--{known.name.replace('_', '-')}", str(value)]
    return words


def _is_method(declared: Any) -> bool:
    return hasattr(declared, "has_evidence")


def _on_a_line(method: Method) -> str:
    left_out = method.inactive()
    values = [
        f"{known.name}={getattr(method, known.name)}"
        for known in method.parameters()
        if known.name not in left_out and getattr(method, known.name) is not None
    ]
    return f"{method.name}:{','.join(values)}" if values else method.name


def _classifiers(origin: Origin) -> list[str]:
    words = ["--classifier", *(name for name, _ in origin.classifiers)]
    weights = [source for _, source in origin.classifiers]
    if any(weights):
        words += ["--weights", *(source or "default" for source in weights)]
    return words


def _target(target: Target | None) -> list[str]:
    options = {} if target is None else options_of(target)
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _model_input(origin: Origin) -> list[str]:
    words = ["--fit", origin.fit] if origin.fit else []
    if origin.crop is not None:
        box = origin.crop
        words += ["--crop", f"{box.left},{box.top},{box.width},{box.height}"]
    return words

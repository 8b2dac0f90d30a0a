"""What a batch is to do, as a value and as a TOML file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import written_whole
from pda_studio.images.fit import CropBox, Fit
from pda_studio.images.geometry import Plane
from pda_studio.methods import method_named
from pda_studio.reading import refused_as

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier

_LONGEST = 1 << 24  # bytes of a plan: a list of a hundred thousand images


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedClassifier(_Part):
    """A classifier of a plan.

    Attributes
    ----------
    name : str
        In the catalogue, or a file.
    weights : str or None
        As `load_classifier` takes them.
    fit, crop
        What of an image it gets, where that is its own and not the plan's.
    """

    name: str
    weights: str | None = None
    fit: Fit | None = None
    crop: CropBox | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What it is, as JSON values; a fit and a crop only if they are its own."""
        values = self.model_dump(mode="json")
        return {
            key: value for key, value in values.items() if value is not None or key == "weights"
        }


class PlannedMethod(_Part):
    """A method of a plan.

    Attributes
    ----------
    name : str
        In the registry.
    parameters : dict
        Values of its parameters; without them, what suits the classifier.
    """

    name: str
    parameters: dict[str, Any] = {}


class Plan(_Part):
    """What a batch is to do: every method on every image with every classifier.

    Attributes
    ----------
    inputs : tuple of str
        What `images_of` takes.
    classifiers, methods : tuple
        What explains.
    target, against, layer, unit : str or None
        What is explained, as on the line of `explain`; without them the likeliest class.
    label_target : bool or None
        Whether the class that an image's label names is explained.
    fit, crop, page, plane, limits
        What of an image the network gets, as on the line of `explain`.
    batch_size : int or None
        Images per forward pass; without it one that does not depend on the clock.
    """

    inputs: tuple[str, ...] = ()
    classifiers: tuple[PlannedClassifier, ...] = (PlannedClassifier(name="digits"),)
    methods: tuple[PlannedMethod, ...] = (PlannedMethod(name="efficient-pda"),)
    target: str | None = None
    against: str | None = None
    layer: str | None = None
    unit: str | None = None
    label_target: bool | None = None
    fit: Fit | None = None
    crop: CropBox | None = None
    page: int | None = Field(None, ge=1)
    plane: Plane | None = None
    limits: tuple[float, float] | None = None
    batch_size: int | None = Field(None, ge=1)

    def check(self) -> None:
        """Refuse unknown methods and values before anything is loaded.

        Raises
        ------
        UsageError
            If a method is unknown, or a value is out of its bounds.
        """
        if not self.classifiers or not self.methods:
            raise UsageError("A batch needs at least one classifier and one method.")
        others = self.target, self.against, self.layer, self.unit
        if self.label_target and any(one is not None for one in others):
            raise UsageError(
                "The target is the image's label (--label-target), or what --target, --against or"
                " --layer name, not both."
            )
        for method in self.methods:
            method_named(method.name).check_values(method.parameters)

    def fitted(self, loaded: Classifier, one: PlannedClassifier) -> Classifier:
        """A classifier of the plan as it was loaded, with what of an image it gets."""
        if one.fit is None and one.crop is None:
            return loaded.with_fit(self.fit, self.crop)
        return loaded.with_fit(one.fit, one.crop)

    def to_toml(self) -> str:
        """The plan as TOML."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# What pda-studio batch --plan FILE is to do: every method on every image with every"
        yield "# classifier. Relative paths begin in the folder of this file."
        values = self.model_dump(mode="json", exclude_none=True)
        tables = {name: values.pop(name) for name in ("classifiers", "methods")}
        yield from (f"{name} = {_toml(value)}" for name, value in values.items())
        for name, rows in tables.items():
            for row in rows:
                yield ""
                yield f"[[{name}]]"
                yield from (f"{key} = {_toml(value)}" for key, value in row.items() if value != {})


def read_plan(path: Path) -> Plan:
    """Read a plan; relative inputs and classifiers begin in its folder.

    Raises
    ------
    PdaStudioError
        If there is no such file, it is no TOML, or says what cannot be.
    """
    if not path.is_file():
        raise PdaStudioError(f"There is no plan at {path}; check the name.")
    with refused_as(f"{path} is no TOML file with a plan; correct it.", path):
        data = path.read_bytes()
        if len(data) > _LONGEST:
            raise ValueError("too long")
        values = tomllib.loads(data.decode())
    plan = plan_of(values, str(path))
    folder = path.absolute().parent
    inputs = tuple(str(folder / one) for one in plan.inputs)
    classifiers = tuple(_from(folder, one) for one in plan.classifiers)
    return plan.model_copy(update={"inputs": inputs, "classifiers": classifiers})


def plan_of(values: dict[str, Any], name: str) -> Plan:
    """Make a plan of values that a file holds.

    Raises
    ------
    PdaStudioError
        If they say what cannot be; the message calls the file by the name.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = str(first["msg"]).rstrip(".")
        if first["type"] == "extra_forbidden":
            reason = f"there is no such entry; the entries are {', '.join(Plan.model_fields)}"
        raise PdaStudioError(f"{name} cannot be used: {where}: {reason}.") from error


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan as TOML, whole or not at all.

    Raises
    ------
    PdaStudioError
        If the file cannot be written.
    """
    with written_whole(path) as file:
        file.write(plan.to_toml().encode())


def _from(folder: Path, classifier: PlannedClassifier) -> PlannedClassifier:
    """The same classifier, with paths from a folder where files lie there."""
    found = {
        key: str(folder / value)
        for key, value in classifier
        if value is not None and not Path(value).is_absolute() and (folder / value).is_file()
    }
    return classifier.model_copy(update=found)


def _toml(value: object) -> str:
    """A value of JSON as TOML on one line: they differ in tables alone."""
    if isinstance(value, dict):
        parts = ", ".join(f"{key} = {_toml(one)}" for key, one in value.items())
        return f"{{ {parts} }}" if parts else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)

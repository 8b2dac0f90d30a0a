"""What a study is carried out on, from the words of a line, and from the plan that it names."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pda_studio.batch.plan import Plan
from pda_studio.batch.sources import plan_at
from pda_studio.cli import progress, targets
from pda_studio.cli.methods_named import method_with_values
from pda_studio.cli.model_input import ModelInput
from pda_studio.cli.study import USUAL_METHODS
from pda_studio.errors import UsageError
from pda_studio.methods import Method, method_named
from pda_studio.results import Subject
from pda_studio.studies import ClassifierInput, Inputs, Study
from pda_studio.studies.speed import CLASSIFIERS

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier


def of_line(kind: type[Study], values: dict[str, Any], folder: Path | None) -> Inputs:
    """What a study is carried out on; classifiers are loaded when they are needed.

    Parameters
    ----------
    kind : type of Study
        Whose needs are met.
    values : dict
        What the line says.
    folder : Path or None
        The study's folder: where it is a plan, or holds results of one, the plan says all that
        the line does not.

    Raises
    ------
    UsageError
        If the words do not go together.
    PdaStudioError
        If the image or the plan cannot be used.
    """
    device = values.get("device", "auto")
    model_input: ModelInput = values.get("model_input") or ModelInput()
    plan = None if folder is None else plan_at(folder)
    if plan is not None:
        if model_input != ModelInput():
            raise UsageError(
                "A plan says what of an image the network gets: leave --fit, --crop, --page,"
                " --plane and --limits out."
            )
        model_input = ModelInput(fit=plan.fit, crop=plan.crop)

    def load(name: str, source: str | None) -> "Classifier":
        loaded = progress.load(name, source, device)
        planned = () if plan is None else plan.classifiers
        own = next((one for one in planned if one.name == name), None)
        return model_input.of(loaded) if plan is None or own is None else plan.fitted(loaded, own)

    classifiers = [
        ClassifierInput(name, partial(load, name, source))
        for name, source in classifiers_of(kind, values, plan).items()
    ]
    subject, explained, name = None, None, ""
    if "subject" in kind.needs or values.get("image") is not None:
        from pda_studio.classifiers.named_targets import target_named

        named = tuple(values.get(key) for key in ("target", "against", "layer", "unit"))
        targets.check(*named)
        image: Path = values["image"]
        pixels = model_input.read(image)
        name = image.name

        def explained(loaded: "Classifier") -> Subject:
            return Subject.of(pixels, loaded, target_named(loaded, pixels, *named))

        def subject() -> Subject:
            return explained(classifiers[0].load())

    methods = None
    if "methods" in kind.needs:
        chosen = _methods(values.get("methods"), plan)
        methods = lambda loaded: [one.create(loaded, **own) for one, own in chosen]  # noqa: E731
    return Inputs(classifiers, subject, name, methods, model_input.read, explained=explained)


def classifiers_of(
    kind: type[Study], values: dict[str, Any], plan: Plan | None
) -> dict[str, str | None]:
    """Names of the classifiers with their weights; None for what belongs to the name.

    Raises
    ------
    UsageError
        If the words do not go together.
    """
    named, weights = values.get("classifier"), values.get("weights")
    if "classifiers" in kind.needs:
        names = list(dict.fromkeys(named or CLASSIFIERS))
        if weights is not None and len(names) > 1:
            raise UsageError("--weights go with a single --classifier.")
        return {name: weights or (None if name == "digits" else "random") for name in names}
    several = "networks" in kind.needs
    planned = {} if plan is None else {one.name: one.weights for one in plan.classifiers}
    if planned and not named:
        if weights:
            raise UsageError("--weights go with a --classifier: name it, or leave out both.")
        if len(planned) > 1 and not several:
            names = list(planned)
            raise UsageError(f"The plan has several classifiers: take one of {', '.join(names)}.")
        return planned
    given = (
        _trained(named or ["digits"], weights or []) if several else {named or "digits": weights}
    )
    return {name: source or planned.get(name) for name, source in given.items()}


def _trained(names: list[str], weights: list[str]) -> dict[str, str | None]:
    """The weights of each classifier, in the same order; one word goes for all."""
    if len(weights) not in (0, 1, len(names)):
        raise UsageError(
            f"--weights names {len(weights)} files for {len(names)} classifiers: name one for each."
        )
    each = weights * len(names) if len(weights) == 1 else weights or [""] * len(names)
    return {name: source or None for name, source in zip(names, each, strict=True)}


def _methods(
    named: list[str] | None, plan: Plan | None
) -> list[tuple[type[Method], dict[str, Any]]]:
    """The methods that are named; else those of the plan that make maps, or the usual ones."""
    if named or plan is None:
        return [method_with_values(text) for text in named or USUAL_METHODS]
    planned = [(method_named(one.name), one.parameters) for one in plan.methods]
    return [(kind, own) for kind, own in planned if kind.has_evidence]

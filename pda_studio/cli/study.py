"""The verb `study`: every study in the registry, with the options that it declares."""

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pda_studio.cli.model_input import InputOptions
from pda_studio.cli.options import (
    AsJson,
    ClassifierName,
    DeviceName,
    Image,
    NumberOrWord,
    WeightsFile,
    check_figure,
    check_output,
    whole,
)
from pda_studio.cli.parameters import options_of
from pda_studio.cli.targets import Against, Layer, Target, UnitText
from pda_studio.images.formats import NAMES

if TYPE_CHECKING:
    from pda_studio.studies import Study, StudyResult

CarryOut = Callable[["type[Study]", dict[str, Any]], int]

SHORT_NAMES = {"bench": "speed", "patches": "patches", "bias-shares": "bias-shares"}
"""Verbs of their own that carry out a study."""

_WIDTH = 79
USUAL_METHODS = ("efficient-pda", "grad-cam", "input-x-gradient")
"""What studies compare if no --method is named."""
_SEVERAL = Annotated[
    list[str] | None,
    Parameter(
        metavar="NAME ...",
        consume_multiple=True,
        help="One or several that pda-studio classifiers lists; without it, six usual ones.",
    ),
]
_MOST_WEIGHTS = Annotated[
    str | None,
    Parameter(
        metavar="FILE",
        help="Of a single classifier: a file of its weights, or default. Without it they are"
        " random, on which speed does not depend, but errors do.",
    ),
]
_TRAINED = Annotated[
    list[str] | None,
    Parameter(
        metavar="NAME ...",
        consume_multiple=True,
        help="One or several that pda-studio classifiers lists, or files that hold them; without"
        " it, digits.",
    ),
]
_TRAINED_WEIGHTS = Annotated[
    list[str] | None,
    Parameter(
        metavar="FILE ...",
        consume_multiple=True,
        help="Of each classifier, in the same order: a file of weights, default for torchvision's"
        " own, or random; one word goes for all.",
    ),
]
_ONE = Annotated[
    str | None,
    Parameter(
        metavar="NAME",
        help="One that pda-studio classifiers lists, or a file that holds one; without it, that of"
        " the plan or the results that --folder names, or digits.",
    ),
]
_MAYBE_IMAGE = Annotated[
    Path | None,
    Parameter(
        help=f"An image: {NAMES}; - reads it from standard input. Without it, --folder names some.",
        allow_leading_hyphen=True,
    ),
]
_METHOD_NAMES = Annotated[
    list[str] | None,
    Parameter(
        name="--method",
        metavar="NAME ...",
        consume_multiple=True,
        help="Those that are compared, of pda-studio methods, each with values of its parameters"
        " where they are to be others, as efficient-pda:stride=4; without it,"
        f" {', '.join(USUAL_METHODS)}.",
    ),
]
_WORKERS: dict[str, Any] = {
    "workers": Annotated[
        int | Literal["auto"] | None,
        Parameter(
            metavar="N",
            help="Have the maps of the folder's images computed first, by so many processes, as"
            " pda-studio batch does; auto takes what is fastest.",
            converter=whole,
            validator=NumberOrWord(gte=1),
            show_choices=False,
        ),
    ],
    "scheduler": Annotated[
        str | None,
        Parameter(
            metavar="ADDRESS",
            help="The same by the workers of a Dask scheduler, as tcp://host:8786; with the extra"
            " cluster.",
        ),
    ],
    "results": Annotated[
        Path | None,
        Parameter(
            metavar="FOLDER",
            help="Where such maps go, as batch writes them; without it, into the results that are"
            " named as the folder. What is there already is not computed again.",
        ),
    ],
}
"""Options of studies that take maps of a folder's images."""


_OUTPUTS: dict[str, Any] = {
    "csv": Annotated[
        Path | None, Parameter(metavar="FILE.csv", help="Where to write the table as well.")
    ],
    "figure": Annotated[
        Path | None,
        Parameter(
            name=["--figure", "--output"],
            metavar="FILE",
            help="Where to write the figure as well: .png, .pdf, .svg or .tif.",
        ),
    ],
    "json": AsJson,
}


def study_app(carry_out: "CarryOut | None" = None) -> App:
    """The verb `study` with one verb below it for each study.

    What is done with a study and its values can be something else than to write what it found.
    """
    from pda_studio.studies import STUDIES

    app = App(
        name="study",
        help="Carry out a study: an experiment with a table, a figure and a sentence.",
        default_parameter=Parameter(negative=""),
    )
    for name, kind in STUDIES.items():
        app.command(study_verb(kind, carry_out or _carry_out), name=name)
    return app


def study_named_for(verb: str) -> "type[Study]":
    """The study that a verb of its own carries out."""
    from pda_studio.studies import study_named

    return study_named(SHORT_NAMES[verb])


def study_verb(kind: "type[Study]", carry_out: "CarryOut | None" = None) -> Callable[..., int]:
    """Make the verb of a study from what it declares and needs."""

    def verb(**values: Any) -> int:
        return (carry_out or _carry_out)(kind, values)

    declared = options_of(kind.parameters(), kind.title)
    parameters = _inputs(kind) + declared + [_keyword(k, v) for k, v in _OUTPUTS.items()]
    parameters.sort(key=lambda one: one.kind)  # what has a place comes before what has a name

    def with_signature(*arguments: Any, **values: Any) -> int:
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
        return verb(**dict(zip(named, arguments, strict=False)), **values)

    with_signature.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_signature.__annotations__ = {p.name: p.annotation for p in parameters}
    with_signature.__name__ = kind.name
    parts = [kind.summary, _effort(kind), kind.citation]
    with_signature.__doc__ = "\n\n".join(
        textwrap.fill(part, _WIDTH, break_on_hyphens=False) for part in parts if part
    )
    return with_signature


def _effort(kind: "type[Study]") -> str:
    """What a study takes with its defaults, whatever must be given."""
    defaults: dict[str, Any] = {p.name: p.default for p in kind.parameters() if not p.required}
    return kind.model_construct(**defaults).effort()


def _inputs(kind: "type[Study]") -> list[inspect.Parameter]:
    """The arguments and options of what a study needs."""
    if kind.alone:
        return []
    needs, over_folder = kind.needs, "folder" in kind.model_fields
    made = []
    if "subject" in needs:
        made.append(inspect.Parameter("image", inspect.Parameter.POSITIONAL_ONLY, annotation=Image))
    if "images" in needs:
        made.append(
            inspect.Parameter(
                "image", inspect.Parameter.POSITIONAL_ONLY, annotation=_MAYBE_IMAGE, default=None
            )
        )
    if "classifiers" in needs:
        made += [_keyword("classifier", _SEVERAL), _keyword("weights", _MOST_WEIGHTS)]
    elif "networks" in needs:
        made += [_keyword("classifier", _TRAINED), _keyword("weights", _TRAINED_WEIGHTS)]
    else:
        made += [
            _keyword("classifier", _ONE)
            if over_folder
            else _keyword("classifier", ClassifierName, "digits"),
            _keyword("weights", WeightsFile),
        ]
    if "methods" in needs:
        made.append(_keyword("methods", _METHOD_NAMES))
    if needs & {"subject", "images"}:
        options = {"target": Target, "against": Against, "layer": Layer, "unit": UnitText}
        made += [_keyword(name, annotation) for name, annotation in options.items()]
    if "classifiers" not in needs:
        made.append(_keyword("model_input", InputOptions))
    made.append(_keyword("device", DeviceName, "auto"))
    if over_folder and "methods" in needs:
        made += [_keyword(name, annotation) for name, annotation in _WORKERS.items()]
    return made


def _keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    default = False if annotation is AsJson else default
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _carry_out(kind: "type[Study]", values: dict[str, Any]) -> int:
    """Check what can be checked, carry out the study, and write what it found."""
    csv, figure = values.pop("csv", None), values.pop("figure", None)
    as_json = values.pop("json", False)
    check_figure(figure, values.get("image"))
    if csv is not None:
        check_output(csv, ".csv", "a table")
    study, result = carried_out(kind, values)
    written = _write(result, csv, figure)
    if as_json:
        from pda_studio.studies import result_as_json

        print(result_as_json(study, result))
    else:
        from pda_studio.cli import tables

        print(tables.study(result))
        for path in written:
            print(f"Wrote {path}")
    return 0


def carried_out(kind: "type[Study]", values: dict[str, Any]) -> "tuple[Study, StudyResult]":
    """Carry out a study with the values of a line.

    Raises
    ------
    UsageError
        If they do not go together.
    """
    values = {name: value for name, value in values.items() if name not in _OUTPUTS}
    own = {
        name: value for name in kind.model_fields if (value := values.pop(name, None)) is not None
    }
    study = kind.of_values(own)
    from pda_studio.cli import progress, study_inputs, study_workers

    folder = getattr(study, "folder", None)
    workers = study_workers.Workers(**{name: values.pop(name, None) for name in _WORKERS})
    workers.check(folder)
    inputs = study_inputs.of_line(kind, values, folder)
    if workers.wanted and folder is not None:
        inputs = study_workers.filled(study, inputs, values, workers, folder)
    return study, progress.studied(study, inputs)


def _write(result: "StudyResult", csv: Path | None, figure: Path | None) -> list[Path]:
    written = []
    if csv is not None:
        from pda_studio.files import written_whole

        with written_whole(csv) as file:
            file.write(result.table.csv().encode())
        written.append(csv)
    if figure is not None:
        from pda_studio.figures.saving import save_figure

        save_figure(result.draw(), figure)
        written.append(figure)
    return written

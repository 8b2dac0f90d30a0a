"""The verb `batch`: every method on every image with every classifier."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from pda_studio.cli import targets
from pda_studio.cli.model_input import InputOptions
from pda_studio.cli.options import DeviceName, NumberOrWord, WeightsFile, whole
from pda_studio.cli.targets import Against, Layer, Target, UnitText
from pda_studio.errors import UsageError


def batch(
    *inputs: Annotated[
        str,
        Parameter(
            help="Images; folders, with what is below them; globs in quotes; .txt lists with a"
            " path a line; .csv lists with a column path, and perhaps one called label."
        ),
    ],
    output: Annotated[
        Path | None,
        Parameter(
            metavar="FOLDER",
            help="Where results go: maps, index.parquet, index.html. What is there already is not"
            " done again; without inputs and plan, the work in it goes on.",
        ),
    ] = None,
    classifier: Annotated[
        list[str] | None,
        Parameter(
            metavar="NAME ...",
            consume_multiple=True,
            help="One or several that pda-studio classifiers lists, or files; NAME:weights=FILE"
            " gives one its weights.",
        ),
    ] = None,
    weights: WeightsFile = None,
    method: Annotated[
        list[str] | None,
        Parameter(
            metavar="NAME:PARAMETER=VALUE,... ...",
            consume_multiple=True,
            help="One or several that pda-studio methods lists, with parameters:"
            " efficient-pda:stride=4,window=12 grad-cam.",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        Parameter(metavar="PLAN.toml", help="A file that says all this, instead of options."),
    ] = None,
    write_plan: Annotated[
        Path | None,
        Parameter(metavar="PLAN.toml", help="Write such a file of the options, and do nothing."),
    ] = None,
    part: Annotated[
        str | None,
        Parameter(
            metavar="I/N",
            help="Do the I-th of N parts; without it, in a SLURM array, the task's.",
        ),
    ] = None,
    workers: Annotated[
        int | Literal["auto"],
        Parameter(
            metavar="N",
            help="Processes; auto takes one for each GPU, and on a CPU what a short pilot finds"
            " fastest.",
            converter=whole,
            validator=NumberOrWord(gte=1),
            show_choices=False,
        ),
    ] = "auto",
    threads: Annotated[
        int | None,
        Parameter(
            metavar="N",
            help="Threads of each process; without it, what suits the workers.",
            converter=whole,
            validator=Number(gte=1),
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        Parameter(
            metavar="ADDRESS",
            help="A Dask scheduler, as tcp://host:8786, whose workers do the work; with the extra"
            " cluster.",
        ),
    ] = None,
    target: Target = None,
    against: Against = None,
    layer: Layer = None,
    unit: UnitText = None,
    label_target: Annotated[
        bool | None,
        Parameter(
            help="Explain the class that an image's label names: of its folder, or of its line in a"
            " list.",
            negative=(),
        ),
    ] = None,
    model_input: InputOptions = None,
    device: DeviceName = "auto",
    batch: Annotated[
        int | Literal["auto"],
        Parameter(
            metavar="N",
            help="Images per forward pass, on which last digits depend; auto takes 8 on a CPU and"
            " 128 on a GPU.",
            converter=whole,
            validator=NumberOrWord(gte=1),
            show_choices=False,
        ),
    ] = "auto",
) -> int:
    """Compute attribution maps of many images, with an index and a contact sheet.

    The same command again does what is missing, whatever stopped it; several
    at once share the work. A failed image is a row of the index with the
    reason, and is tried anew the next time.
    """
    from pda_studio.cli.batch_work import carry_out, planned_by, write_down

    options = vars(model_input) if model_input is not None else {}
    named = {
        "target": target,
        "against": against,
        "layer": layer,
        "unit": unit,
        "label_target": label_target,
        **options,
    }
    said = {key: value for key, value in named.items() if value is not None}
    planned = planned_by(plan, output, inputs, classifier, weights, method, said)
    if batch != "auto":
        planned = planned.model_copy(update={"batch_size": batch})
    targets.check(planned.target, planned.against, planned.layer, planned.unit)
    planned.check()
    if write_plan is not None:
        return write_down(planned, write_plan)
    if output is None:
        raise UsageError("batch needs --output: name a folder for the results.")
    if scheduler is not None and (workers != "auto" or threads is not None):
        raise UsageError("--scheduler has workers of its own: leave --workers and --threads out.")
    crew = None if workers == "auto" else workers, threads
    return carry_out(planned, output, part, device, *crew, scheduler)

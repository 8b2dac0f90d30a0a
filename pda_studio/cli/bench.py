"""The verb `bench`; what its function and parameters are called and documented is its help."""

from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.verbs import AsJson, DeviceName
from pda_studio.errors import UsageError

_CLASSIFIERS = ("squeezenet1_1", "alexnet", "vgg16", "googlenet", "resnet18", "mobilenet_v2")


def bench(
    *,
    classifier: Annotated[
        list[str] | None,
        Parameter(
            metavar="NAME ...",
            consume_multiple=True,
            help="One or several of those that pda-studio classifiers lists; without it,"
            f" {', '.join(_CLASSIFIERS)}.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        Parameter(
            metavar="FILE",
            help="Of one classifier: a file of its weights, or default. Without it they are"
            " random, as the speed does not depend on them; but how exact a way is does, and from"
            " which layer on the network may be linearised.",
        ),
    ] = None,
    window: Annotated[int, Parameter(metavar="N", help="Side of the windows, in pixels.")] = 10,
    stride: Annotated[int, Parameter(metavar="N", help="Between two windows, in pixels.")] = 1,
    rounds: Annotated[
        int, Parameter(metavar="N", help="In how many each way takes a turn; the median counts.")
    ] = 5,
    device: DeviceName = "auto",
    json: AsJson = False,
) -> int:
    """Measure how fast the ways to score windows are here.

    The ways take turns on the same windows of an image of noise, filled
    with grey: the whole network with the batch size that is fastest; what
    the windows change, in float32 and in bfloat16; linearised from a layer
    on; and Captum's Occlusion with the batch size that is fastest, of which
    only its loop over the windows is counted. All have warmed up before.
    It takes about 40 seconds a classifier on two cores, for large ones 90.

    The error is the rms error of all logits over the rms of their change,
    against the whole network in float32; for what is linearised it is,
    instead, Spearman's correlation of the windows' log-odds with its.
    The seconds for a map are extrapolated from the rate. The memory is what
    a way takes at its peak, set-up included, on top of what was in use
    before: resident memory, or on CUDA what PyTorch has allocated there.
    """
    if rounds < 1:
        raise UsageError(f"--rounds must be at least 1, not {rounds}.")
    names = list(dict.fromkeys(classifier or _CLASSIFIERS))
    if weights is not None and len(names) > 1:
        raise UsageError("--weights go with a single --classifier.")
    _check(names, window, stride)
    from pda_studio.classifiers import choose_device
    from pda_studio.cli import bench_texts as texts
    from pda_studio.cli import progress
    from pda_studio.studies.machine import Machine
    from pda_studio.studies.speed import compare

    machine = Machine.here(choose_device(device))
    if not json:
        print(texts.head(machine, window, stride, rounds), flush=True)
    results = []
    for name in names:
        chosen = weights or (None if name == "digits" else "random")
        loaded = progress.load(name, chosen, device)
        measured = progress.measured(compare(loaded, window, stride, rounds), name)
        result = texts.Result.of(loaded, window, stride, measured.rows)
        results.append(result)
        if not json:
            print(f"\n{texts.table(result)}", flush=True)
    if json:
        print(texts.as_json(machine, window, stride, rounds, results))
    else:
        print(f"\n{texts.notes(results)}")
    return 0


def _check(names: list[str], window: int, stride: int) -> None:
    """Refuse unknown names, and windows that do not fit, before minutes are spent on the first."""
    from pda_studio.classifiers import catalogue
    from pda_studio.pda.windows import WindowGrid

    sizes = {entry.name: entry.input_size for entry in catalogue()}
    for name in names:
        if name not in sizes:
            raise UsageError(f"There is no classifier “{name}”: see pda-studio classifiers.")
        WindowGrid(sizes[name], sizes[name], window, stride)

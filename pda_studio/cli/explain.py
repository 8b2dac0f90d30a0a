"""The verb `explain`: an attribution map, and its figure."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from pda_studio.cli import targets
from pda_studio.cli.answers import Told
from pda_studio.cli.model_input import InputOptions, ModelInput
from pda_studio.cli.options import (
    BatchSize,
    ClassifierName,
    DeviceName,
    FigureOutput,
    Image,
    MapOutput,
    MethodName,
    WeightsFile,
    check_figure,
)
from pda_studio.cli.targets import Against, Layer, Target, UnitText
from pda_studio.files import check_is_not
from pda_studio.store.map_formats import check_map, write_map

DEFAULT_METHOD = "efficient-pda"


def explain(
    image: Image,
    /,
    *,
    output: MapOutput,
    figure: FigureOutput = None,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    about: Told = None,
    method: MethodName = DEFAULT_METHOD,
    target: Target = None,
    against: Against = None,
    layer: Layer = None,
    unit: UnitText = None,
    model_input: InputOptions = None,
    device: DeviceName = "auto",
    batch: BatchSize = "auto",
    no_cache: Annotated[
        bool, Parameter(help="Compute the map even if it is in the cache, and do not store it.")
    ] = False,
    name_patient: Annotated[
        bool,
        Parameter(
            help="Take the patient's and the study's data over from a DICOM image into a DICOM map"
            " (.dcm), so that it is filed with them. Without it nothing that is written names"
            " a patient."
        ),
    ] = False,
    **parameters: Any,
) -> int:
    """Compute an attribution map.

    Each method has parameters of its own: pda-studio explain --method NAME
    --help shows them, and pda-studio methods lists all methods.
    """
    check_map(output, patient=name_patient)
    check_is_not(output, image, "map", "image")
    check_figure(figure, image)
    from pda_studio.classifiers.named_targets import target_named
    from pda_studio.cli import progress, texts
    from pda_studio.methods import method_named
    from pda_studio.results import Subject
    from pda_studio.store import CacheEntry, DiskCache, Placed

    kind = method_named(method)
    kind.check_values(parameters)
    targets.check(target, against, layer, unit)
    if about is not None and about.trust:
        _trust([parameters.get(name) for name in kind.may_hold_code])
    model_input = model_input or ModelInput()
    pixels = model_input.read(image)
    loaded = model_input.of(progress.load(classifier, weights, device, about))
    meant = target_named(loaded, pixels, target, against, layer, unit)
    subject = Subject.of(pixels, loaded, meant, None if batch == "auto" else batch)
    chosen = kind.create(subject.classifier, **parameters)
    store, entry = DiskCache(limit=0 if no_cache else None), CacheEntry.of(chosen, subject)
    found = store.find(entry)
    if found is None:
        evidence_map = progress.carry_out(chosen, subject)
        store.keep(entry, evidence_map)  # before the output, whose disk may turn out to be full
    else:
        evidence_map = found.evidence_map
    place = Placed.of(pixels, loaded.preprocessing)
    write_map(evidence_map, output, place, image if name_patient else None)
    written, told = [output], ""
    if figure is not None:
        from pda_studio.figures import save_panel

        told = save_panel([evidence_map], figure)
        written.append(figure)
    compared = texts.runtime(loaded.runtime_difference(subject.view))
    summary = texts.summary(evidence_map, written, str(found or ""))
    print("\n".join(filter(None, (summary, compared, told))))
    return 0


def _trust(files: list[Path | None]) -> None:
    """Trust the code in these files from now on, as --trust says."""
    from pda_studio.classifiers import trust

    for path in files:
        if path is not None and path.is_file():
            trust.remember(path)

"""The verb `predict`: the top-k predictions."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from pda_studio.cli import reading
from pda_studio.cli.answers import Told
from pda_studio.cli.options import (
    AsJson,
    ClassifierName,
    DeviceName,
    FitName,
    Image,
    Limits,
    Page,
    PlaneName,
    WeightsFile,
    print_json,
    whole,
)


def predict(
    image: Image,
    /,
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    about: Told = None,
    top: Annotated[
        int,
        Parameter(
            metavar="K",
            help="How many classes to list.",
            converter=whole,
            validator=Number(gte=1),
        ),
    ] = 5,
    json: AsJson = False,
    limits: Limits = None,
    fit: FitName = "crop",
    page: Page = None,
    plane: PlaneName = None,
    device: DeviceName = "auto",
) -> int:
    """Print the top-k predictions."""
    pixels = reading.read_image(
        image, page, limits, plane
    )  # before the engine is imported, which takes seconds
    from pda_studio.cli import progress, texts

    loaded = progress.load(classifier, weights, device, about).with_fit(fit)
    view = loaded.preprocessing.view(pixels)
    probabilities, apart = loaded.predict(view), loaded.runtime_difference(view)
    likely = (-probabilities).argsort(kind="stable")[:top]
    rows = [(int(i), loaded.class_names[i], float(probabilities[i])) for i in likely]
    what = "probability" if loaded.has_probabilities else "value"
    if json:
        print_json(
            {
                "image": str(image),
                "classifier": loaded.name,
                "weights": loaded.weights,
                "fingerprint": loaded.fingerprint,
                **({} if apart is None else {"runtime_difference": apart}),
                "predictions": [
                    {"index": index, "name": name, what: number} for index, name, number in rows
                ],
            }
        )
    else:
        table = texts.predictions(rows, probabilities=loaded.has_probabilities)
        print("\n".join(filter(None, (table, texts.runtime(apart)))))
    return 0

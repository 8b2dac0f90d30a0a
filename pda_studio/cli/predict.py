"""The verb `predict`: the top-k predictions."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from pda_studio.cli.answers import Told
from pda_studio.cli.model_input import InputOptions, ModelInput
from pda_studio.cli.options import (
    AsJson,
    ClassifierName,
    DeviceName,
    Image,
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
    model_input: InputOptions = None,
    device: DeviceName = "auto",
) -> int:
    """Print the top-k predictions."""
    model_input = model_input or ModelInput()
    pixels = model_input.read(image)  # before the engine is imported, which takes seconds
    from pda_studio.cli import progress, texts

    loaded = model_input.of(progress.load(classifier, weights, device, about))
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

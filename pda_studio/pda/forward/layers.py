"""From which layer on a network is linear enough for the windows of a picture."""

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import Operation, Program

AUTO = "auto"

_MEASURED = {"squeezenet1_1": "features.12", "mobilenet_v2": "features.17"}


def joints(program: Program) -> dict[str, Operation]:
    """The layers through whose result alone the picture reaches the logits, in order.

    Where paths part and meet, only layers before the parting and after the meeting are joints; of
    nested layers with the same result the outermost gives the name.
    """
    order = {operation: place for place, operation in enumerate(program.operations)}
    reached = program.before([program.output])
    last_use = {operation: order[operation] for operation in program.operations}
    for operation in program.operations:
        for used in operation.inputs():
            last_use[used] = max(last_use[used], order[operation])
    depends = {program.picture}
    open_until = last_use[program.picture]
    found: dict[str, Operation] = {}
    names: dict[Operation, str] = {}
    for name, operation in program.layers.items():
        names.setdefault(operation, name)
    for operation in program.operations[1:]:
        if operation not in reached or not depends.intersection(operation.inputs()):
            continue
        depends.add(operation)
        if open_until <= order[operation] and operation in names:
            found[names[operation]] = operation
        open_until = max(open_until, last_use[operation])
    return found


def earliest_layer(classifier: Classifier, program: Program) -> str:
    """The earliest layer from which on a network may be linearised."""
    return _MEASURED[classifier.name]

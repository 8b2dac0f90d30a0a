"""What a measurement was made on."""

from dataclasses import dataclass
from typing import Any

import torch

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.processor import processor
from pda_studio.store.numbers import KeptNumbers


@dataclass(frozen=True)
class Machine:
    """Where and with what something was measured.

    Attributes
    ----------
    torch_version, captum_version : str
        Versions.
    threads : int
        How many PyTorch uses on the processor.
    device : str
        Where the network ran: "cpu", "mps", or "cuda" with the device's name.
    processor : str
        Its name, as the system tells it.
    """

    torch_version: str
    captum_version: str
    threads: int
    device: str
    processor: str

    @classmethod
    def here(cls, device: torch.device) -> "Machine":
        """Describe this computer."""
        import captum

        name = device.type
        if device.type == "cuda":
            name = f"cuda, {torch.cuda.get_device_name(device)}"
        return cls(
            torch.__version__, captum.__version__, torch.get_num_threads(), name, processor()
        )


def kept_here(study: str, classifier: Classifier, values: list[Any]) -> KeptNumbers:
    """What a study measured of a network on this computer.

    Parameters
    ----------
    study : str
        Whose numbers they are.
    classifier : Classifier
        The network.
    values : list
        On what else the measurement depends, as JSON values.
    """
    network = [classifier.name, classifier.fingerprint, *classifier.input_size]
    machine = vars(Machine.here(classifier.device))
    return KeptNumbers(study, {"network": network, "machine": machine, "values": values})

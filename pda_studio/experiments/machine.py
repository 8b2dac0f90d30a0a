"""What a measurement was made on."""

from dataclasses import dataclass

import torch

from pda_studio.pda.forward.processor import processor


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

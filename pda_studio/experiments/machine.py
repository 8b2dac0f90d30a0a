"""What a measurement was made on."""

import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch


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


def processor() -> str:
    """The processor's name; its architecture, where the system knows no more."""
    try:
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.strip()
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names and names[0]:
            return names[0]
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine() or "unknown"

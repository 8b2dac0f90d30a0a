"""Networks that answer with something else than their classes' scores."""

from typing import Any

import torch
from torch import nn


class Contrast(nn.Module):
    """A network that answers with z_a − z_b and 0; without b, with z_a and 0."""

    def __init__(self, network: nn.Module, first: int, second: int | None, outputs: int) -> None:
        super().__init__()
        self.network = network
        self.difference = nn.Linear(outputs, 2, bias=False).requires_grad_(False)
        with torch.no_grad():
            self.difference.weight.zero_()
            self.difference.weight[0, first] = 1
            if second is not None:
                self.difference.weight[0, second] = -1

    def forward(self, x: torch.Tensor) -> Any:
        """Return (N, 2)."""
        return self.difference(self.network(x))


class Reader(nn.Module):
    """Reads one number of a layer's result: a map's mean, or one place of it."""

    def __init__(self, channel: int, place: tuple[int, ...] | None, channels_last: bool) -> None:
        super().__init__()
        self.channel, self.place, self.channels_last = channel, place, channels_last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, 1)."""
        x = x[..., self.channel] if self.channels_last else x[:, self.channel]
        if self.place is not None:
            for index in self.place:
                x = x[:, index]
            return x[:, None]
        return x.reshape(len(x), -1).mean(1, keepdim=True)


class Hidden(nn.Module):
    """A network that ends at a layer and answers with a number read there."""

    def __init__(
        self,
        network: nn.Module,
        layer: str,
        channel: int,
        place: tuple[int, ...] | None,
        channels_last: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.reader = Reader(channel, place, channels_last)
        self.layer = layer

    def forward(self, x: torch.Tensor) -> Any:
        """Return (N, 1); what lies behind the layer is not run."""
        found: list[torch.Tensor] = []

        def stop(module: nn.Module, inputs: Any, result: torch.Tensor) -> None:
            found.append(result)
            raise _Reached

        handle = self.network.get_submodule(self.layer).register_forward_hook(stop)
        try:
            self.network(x)
        except _Reached:
            pass
        finally:
            handle.remove()
        return self.reader(found[0])


class _Reached(Exception):
    """The layer that is asked about has been run."""

"""What a network's outputs are, declared once each, and how logits are had from any of them.

Everything else in the program explains logits (N, K), or plain values. A network that answers with
something else, or with several things, gets an ending that turns its answer into these.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.targets import OutputKind

_TOLERANCE = 1e-3
"""By how much probabilities may miss their bounds or their sum: half precision has three digits."""


def _as_it_is(outputs: torch.Tensor) -> torch.Tensor:
    return outputs


def _log(probabilities: torch.Tensor) -> torch.Tensor:
    return torch.log(probabilities.clamp(min=torch.finfo(torch.float32).tiny))


def _log_odds(probabilities: torch.Tensor) -> torch.Tensor:
    limits = torch.finfo(torch.float32)
    inside = probabilities.clamp(min=limits.tiny, max=1 - limits.eps / 2)
    return torch.log(inside) - torch.log(1 - inside)


def _any(outputs: torch.Tensor) -> str:
    return ""


def _between(outputs: torch.Tensor) -> str:
    low, high = float(outputs.min()), float(outputs.max())
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        return f"they go from {low:.3g} to {high:.3g}, not from 0 to 1"
    return ""


def _adds_up(outputs: torch.Tensor) -> str:
    if problem := _between(outputs):
        return problem
    total = float(outputs[0].double().sum())
    return "" if abs(total - 1) <= _TOLERANCE else f"they add up to {total:.4g}, not to 1"


def _log_adds_up(outputs: torch.Tensor) -> str:
    total = float(outputs[0].double().exp().sum())
    same = abs(total - 1) <= _TOLERANCE
    return "" if same else f"the probabilities that they stand for add up to {total:.4g}, not to 1"


@dataclass(frozen=True)
class Output:
    """A kind of output that networks have.

    Attributes
    ----------
    name : str
        As options and files name it.
    label : str
        As a person reads it in a list.
    kind : {"softmax", "sigmoid", "scalar"}
        How the logits, or values, that are made of it are read.
    to_logits : callable
        Makes logits, or plain values, (N, K) of outputs (N, K).
    problem : callable
        Says why outputs (N, K) cannot be of this kind; "" if they can.
    alias : str
        Another name, of older files.
    """

    name: str
    label: str
    kind: OutputKind
    to_logits: Callable[[torch.Tensor], torch.Tensor] = _as_it_is
    problem: Callable[[torch.Tensor], str] = _any
    alias: str = ""


OUTPUTS: dict[str, Output] = {
    one.name: one
    for one in (
        Output(
            "logits", "Logits: one class is true, before the softmax", "softmax", alias="softmax"
        ),
        Output("probabilities", "Probabilities: after the softmax", "softmax", _log, _adds_up),
        Output(
            "log-probabilities",
            "Log-probabilities: after log-softmax",
            "softmax",
            problem=_log_adds_up,
        ),
        Output(
            "sigmoid-logits",
            "Logits, each with a sigmoid of its own: one yes or no, or many labels",
            "sigmoid",
            alias="sigmoid",
        ),
        Output(
            "sigmoid-probabilities",
            "Probabilities, each after a sigmoid of its own",
            "sigmoid",
            _log_odds,
            _between,
        ),
        Output("values", "Plain values, as of a regression", "scalar", alias="scalar"),
    )
}
"""All kinds of output, by name."""


def output_named(name: str) -> Output:
    """The kind of output of a name, or of its name in older files.

    Raises
    ------
    UsageError
        If there is none.
    """
    for one in OUTPUTS.values():
        if name and name in (one.name, one.alias):
            return one
    raise UsageError(f"There is no kind of output “{name}”: choose one of {', '.join(OUTPUTS)}.")


Path = tuple[str | int, ...]
"""Where a tensor stands in what a network answers with: keys, attributes and places."""


def tensors_in(answer: Any) -> dict[Path, torch.Tensor]:
    """Every tensor in tuples, lists, dictionaries and dataclasses, by where it stands."""
    if isinstance(answer, torch.Tensor):
        return {(): answer}
    items: list[tuple[str | int, Any]] = []
    if isinstance(answer, Mapping):
        items = [(str(key), value) for key, value in answer.items()]
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        items = [(one.name, getattr(answer, one.name)) for one in dataclasses.fields(answer)]
    elif hasattr(answer, "_fields"):  # a named tuple
        items = [(name, getattr(answer, name)) for name in answer._fields]
    elif isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        items = list(enumerate(answer))
    return {
        (key, *rest): tensor for key, value in items for rest, tensor in tensors_in(value).items()
    }


def path_of(text: str | int) -> Path:
    """Where a selector such as `logits`, `1` or `heads.0` points."""
    parts = str(text).split(".")
    return tuple(int(part) if part.isdigit() else part for part in parts)


def at_path(answer: Any, path: Path) -> Any:
    """What stands there in an answer."""
    for key in path:
        if isinstance(answer, Mapping):
            answer = answer[key] if key in answer else answer[_original_key(answer, key)]
        elif isinstance(key, int):
            answer = answer[key]
        else:
            answer = getattr(answer, key)
    return answer


def _original_key(answer: Mapping[Any, Any], wanted: str | int) -> Any:
    return next(key for key in answer if str(key) == str(wanted))


class Ending(nn.Module):
    """A network whose answer is turned into logits, or plain values, (N, K).

    Parameters
    ----------
    network : torch.nn.Module
        Answers with a tensor, or with tuples, dictionaries or dataclasses of tensors.
    path : tuple of str and int
        Where the outputs stand in its answer.
    shape : tuple of int
        Of the outputs, with the batch: (N,), (N, K) or (N, K, 1, 1).
    output : Output
        Of which kind they are.
    """

    def __init__(
        self, network: nn.Module, path: Path, shape: tuple[int, ...], output: Output
    ) -> None:
        super().__init__()
        self.network = network
        self.path, self.dimensions, self.output = path, len(shape), output

    def raw(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs (N, K) themselves."""
        outputs: torch.Tensor = at_path(self.network(x), self.path)
        if self.dimensions == 1:
            return outputs.unsqueeze(1)
        return outputs.flatten(1) if self.dimensions > 2 else outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, or plain values, (N, K)."""
        return self.output.to_logits(self.raw(x))

    def check(self, prepared: torch.Tensor, name: str) -> None:
        """Refuse outputs that are not what they are said to be.

        Raises
        ------
        PdaStudioError
            If they cannot be.
        """
        with torch.inference_mode():
            problem = self.output.problem(self.raw(prepared.clone()).detach())
        if problem:
            raise PdaStudioError(
                f"The outputs of {name} are no {self.output.name}: {problem}; choose another kind"
                f" of output ({', '.join(OUTPUTS)})."
            )


def with_ending(
    network: nn.Module, answer: Any, output: Output, select: str | int | None, name: str
) -> nn.Module:
    """The network itself if it answers with logits or values (N, K) alone, else with an ending.

    Parameters
    ----------
    network : torch.nn.Module
        Any network.
    answer : object
        What it answered to a batch.
    output : Output
        Of which kind its outputs are.
    select : str or int, optional
        Which of several outputs is meant: a key, a place, or several joined by dots.
    name : str
        What sentences call it.

    Raises
    ------
    UsageError
        If it is not clear which of several outputs is meant, or there is no such output.
    """
    found = tensors_in(answer)
    path = _chosen(found, select, name)
    shape = tuple(found[path].shape)
    plain = len(shape) in (1, 2) or (len(shape) == 4 and shape[2:] == (1, 1))
    if not plain or not found[path].is_floating_point():
        kind = "whole numbers" if not found[path].is_floating_point() else f"the shape {shape}"
        raise PdaStudioError(
            f"{name} answers with {kind}, not with one row of outputs for each image: wrap it in"
            " a module that returns them as floats, (N, K)."
        )
    if not path and len(shape) == 2 and output.to_logits is _as_it_is and output.problem is _any:
        return network
    return Ending(network, path, shape, output).train(network.training)


_USUAL = ("logits", "out", "output", "outputs", "pred", "preds", "predictions", "scores")


def _chosen(found: dict[Path, torch.Tensor], select: str | int | None, name: str) -> Path:
    listed = ", ".join(".".join(map(str, path)) or "the tensor" for path in list(found)[:8])
    if not found:
        raise PdaStudioError(f"{name} answers with no tensor: let it return its outputs, (N, K).")
    if select is not None:
        path = path_of(select)
        if path in found:
            return path
        raise UsageError(f"{name} has no output “{select}”: choose one of {listed}.")
    rows = [path for path, tensor in found.items() if tensor.ndim in (1, 2)] or list(found)
    for usual in _USUAL:
        if (usual,) in rows:
            return (usual,)
    if len(rows) == 1 or rows[0] == ():
        return rows[0]
    raise UsageError(
        f"{name} has several outputs ({listed}): say which one is meant, as with"
        f" select=“{'.'.join(map(str, rows[0]))}”."
    )

"""The affine regions of a small ReLU network over a plane (Chen et al., Fig. 1).

A network with two inputs is trained to tell two classes of points apart. Around each point of the
plane it is the affine function W·x + b of those ReLUs that are open there; points with the same
open ReLUs share it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.store.numbers import KeptNumbers, Numbers

Points = Literal["rings", "moons", "quarters"]

REACH = 1.5  # the plane goes from −REACH to REACH along both axes
_RATE = 0.02  # of Adam


@dataclass(frozen=True, eq=False)
class Region:
    """Where a network is one affine function: S = slope·x + bias.

    Attributes
    ----------
    area : float
        Share of the plane, from 0 to 1.
    slope : (2,) float64
        W.
    bias : float
        b.
    points : int
        How many of the training points lie in it.
    error : float
        Largest difference to the network's logit at the lattice's points in it.
    """

    area: float
    slope: NDArray[np.float64]
    bias: float
    points: int
    error: float


@dataclass(frozen=True, eq=False)
class Plane:
    """A network over the plane.

    Attributes
    ----------
    points, classes : (n, 2) float64, (n,) int64
        What it was trained on.
    logit : (R, R) float64
        At the lattice's points, row by row from −REACH upwards.
    label : (R, R) int64
        The place of its region among `regions`.
    regions : tuple of Region
        The largest first.
    accuracy : float
        Share of the points whose class it tells.
    loss : float
        Mean cross-entropy.
    trained : int
        Steps so far.
    """

    points: NDArray[np.float64]
    classes: NDArray[np.int64]
    logit: NDArray[np.float64]
    label: NDArray[np.int64]
    regions: tuple[Region, ...]
    accuracy: float
    loss: float
    trained: int


def points_of(kind: Points, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points of two classes in the plane: a disc in a ring, two moons, or opposite quarters."""
    random = np.random.default_rng(seed)
    classes = np.arange(count) % 2
    angles = random.uniform(0, np.pi * (1 if kind == "moons" else 2), count)
    if kind == "quarters":
        points = random.uniform(-1.2, 1.2, (count, 2))
        return points, (points.prod(1) > 0).astype(np.int64)
    if kind == "moons":
        points = np.stack([np.cos(angles) - 0.5, np.sin(angles) - 0.25], 1)
        points[classes == 1] *= -1
        return points + random.normal(0, 0.08, points.shape), classes.astype(np.int64)
    radii = np.where(classes == 0, 0.6 * np.sqrt(random.uniform(0, 1, count)), 1.0)
    radii = radii + random.normal(0, 0.06, count)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1), classes.astype(np.int64)


def network_of(layers: int, units: int, seed: int) -> nn.Sequential:
    """A network of so many hidden layers of ReLUs, with two inputs and one logit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: list[nn.Module] = []
        for layer in range(layers):
            made += [nn.Linear(units if layer else 2, units), nn.ReLU()]
        return nn.Sequential(*made, nn.Linear(units, 1)).double()


def training(
    kind: Points,
    *,
    count: int,
    layers: int,
    units: int,
    steps: int,
    side: int,
    seed: int,
) -> Iterator[Plane]:
    """Train a network, and look at its plane now and then.

    Parameters
    ----------
    kind : {"rings", "moons", "quarters"}
        What it is trained on.
    count : int
        How many points.
    layers, units : int
        Hidden layers, and ReLUs in each.
    steps : int
        Of training, on all points.
    side : int
        R, points of the lattice along each axis.
    seed : int
        Of points and weights.

    Yields
    ------
    Plane
        Before the training, ten times on the way, and after it. A training that was stopped goes
        on from the last of these.
    """
    points, classes = points_of(kind, count, seed)
    network = network_of(layers, units, seed)
    optimiser = torch.optim.Adam(network.parameters(), _RATE)
    inputs, wanted = torch.from_numpy(points), torch.from_numpy(classes).double()
    loss_of = nn.BCEWithLogitsLoss()
    shown = {round(steps * part / 10) for part in range(11)}
    kept = KeptNumbers(
        "affine-regions", {"points": [kind, count], "network": [layers, units, seed]}
    )
    found, first = None, 0
    for first in sorted(shown, reverse=True):
        found = kept.find(None, step=first)
        if found:
            break
    with torch.inference_mode(False), torch.enable_grad():
        if found:
            _take_up(network, optimiser, found)
        for step in range(first, steps + 1):
            loss = loss_of(network(inputs)[:, 0], wanted)
            if step in shown:
                if step > first or not found:
                    kept.keep(None, _state_of(network, optimiser), step=step)
                yield plane_of(network, points, classes, side, loss.item(), step)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def _state_of(network: nn.Module, optimiser: torch.optim.Optimizer) -> Numbers:
    """All weights, and what Adam remembers of each."""
    found: Numbers = {}
    for name, weights in network.named_parameters():
        found[name] = weights.detach().numpy().copy()
        for key, value in optimiser.state.get(weights, {}).items():
            found[f"{name} {key}"] = value.numpy().copy()
    return found


def _take_up(network: nn.Module, optimiser: torch.optim.Optimizer, found: Numbers) -> None:
    """Go on with weights and memory as `_state_of` told them."""
    with torch.no_grad():
        for name, weights in network.named_parameters():
            weights.copy_(torch.from_numpy(found[name]))
            own = [key for key in found if key.startswith(f"{name} ")]
            for key in own:
                value = torch.from_numpy(found[key].copy())
                optimiser.state[weights][key.partition(" ")[2]] = value


def plane_of(
    network: nn.Sequential,
    points: NDArray[np.float64],
    classes: NDArray[np.int64],
    side: int,
    loss: float = 0.0,
    trained: int = 0,
) -> Plane:
    """The regions of a network, found by the ReLUs that are open at a lattice's points."""
    axis = np.linspace(-REACH, REACH, side)
    lattice = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    logit, open_at = _run(network, lattice)
    of_points, open_there = _run(network, points)
    # As bytes, rows are compared many times faster than as columns of truth values.
    packed = np.packbits(open_at, axis=1)
    rows = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, label, counts = np.unique(
        rows, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    rank = np.argsort(order)
    label = rank[label]
    regions = []
    for place, at in enumerate(order):
        slope, bias = affine_at(network, open_at[first[at]])
        inside = label == place
        error = np.abs(lattice[inside] @ slope + bias - logit[inside]).max()
        here = int((open_there == open_at[first[at]]).all(1).sum())
        regions.append(Region(counts[at] / len(lattice), slope, bias, here, float(error)))
    accuracy = float(((of_points > 0) == (classes == 1)).mean())
    square = (side, side)
    return Plane(
        points,
        classes,
        logit.reshape(square),
        label.reshape(square),
        tuple(regions),
        accuracy,
        loss,
        trained,
    )


def affine_at(
    network: nn.Sequential, pattern: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """W (2,) and b where these ReLUs are open: layer after layer, multiplied out."""
    slope, bias = np.eye(2), np.zeros(2)
    start = 0
    for module in network:
        if isinstance(module, nn.Linear):
            weights = module.weight.detach().numpy()
            slope, bias = weights @ slope, weights @ bias + module.bias.detach().numpy()
        else:
            is_open = pattern[start : start + len(bias)]
            slope, bias = slope * is_open[:, None], bias * is_open
            start += len(bias)
    return slope[0], float(bias[0])


@torch.no_grad()
def _run(
    network: nn.Sequential, points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Logits (n,), and which ReLUs are open (n, units)."""
    value = torch.from_numpy(points)
    is_open = []
    for module in network:
        if isinstance(module, nn.ReLU):
            is_open.append((value > 0).numpy())
        value = module(value)
    return value[:, 0].numpy(), np.concatenate(is_open, 1)

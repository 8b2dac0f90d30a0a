"""The study of affine regions: the pieces of a small ReLU network over a plane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.parameters import parameter
from pda_studio.studies.base import (
    Cell,
    Column,
    Inputs,
    Need,
    Study,
    StudyProgress,
    StudyResult,
    Table,
)

if TYPE_CHECKING:
    from pda_studio.experiments.regions import Plane

_COLUMNS = (
    Column("region", "region", "count"),
    Column("area", "of the plane", "share"),
    Column("points", "points", "count"),
    Column("across", "slope across", "number"),
    Column("up", "slope up", "number"),
    Column("bias", "bias", "number"),
    Column("error", "largest error", "error"),
)
_SIDE = 301
_MOST = 200  # regions in the table


class AffineRegions(Study):
    """Trains a network with two inputs, and shows where it is which affine function."""

    name: ClassVar[str] = "affine-regions"
    title: ClassVar[str] = "Affine regions of a toy network"
    summary: ClassVar[str] = (
        "How a small network of ReLUs, trained on points in a plane, cuts it into regions, in each"
        " of which it is one affine function, and how much of the logit is bias there."
    )
    citation: ClassVar[str] = (
        "Chen et al., Delving deep into interpreting neural nets with piece-wise affine"
        " representation, ICIP 2019, Fig. 1"
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    alone: ClassVar[bool] = True

    points: Literal["rings", "moons", "quarters"] = parameter(
        "rings", "Points", "A disc in a ring, two moons, or opposite quarters of a square."
    )
    count: int = parameter(300, "Number", "How many points.", unit="points", ge=10, le=10_000)
    layers: int = parameter(3, "Hidden layers", "3 in the paper.", ge=1, le=6)
    units: int = parameter(5, "ReLUs a layer", "5 in the paper.", unit="units", ge=1, le=64)
    training: int = parameter(
        600, "Training", "Steps on all points; 0 leaves the network untrained.", ge=0, le=100_000
    )
    seed: int = parameter(0, "Seed", "Of points and weights.", ge=0, le=2**32 - 1)

    def effort(self) -> str:
        """A small training."""
        return "A training of a small network without any classifier or image: seconds."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Train, and look at the plane on the way."""
        from time import perf_counter

        from pda_studio.experiments.regions import training

        planes = training(
            self.points,
            count=self.count,
            layers=self.layers,
            units=self.units,
            steps=self.training,
            side=_SIDE,
            seed=self.seed,
        )
        total = max(self.training, 1)
        began = perf_counter()
        for found in planes:
            if not found.trained:
                began = perf_counter()  # what is prepared once is not paid for each step
            done = found.trained if self.training else 1
            left = (perf_counter() - began) * (total - done) / done if found.trained else None
            doing = f"step {found.trained} of {self.training}"
            yield StudyProgress(done, total, doing, self._result(found), left)

    def _result(self, found: Plane) -> StudyResult:
        from pda_studio.experiments.regions_figure import draw_regions

        rows: list[list[Cell]] = [
            [
                number + 1,
                round(one.area, 6),
                one.points,
                *(float(f"{value:.6g}") for value in (*one.slope.tolist(), one.bias)),
                float(f"{one.error:.1e}"),
            ]
            for number, one in enumerate(found.regions[:_MOST])
        ]
        return StudyResult(
            sentence=self._sentence(found),
            table=Table(_COLUMNS, rows),
            draw=lambda: draw_regions(found),
            notes=[
                f"regions: points of a lattice of {_SIDE}×{_SIDE} with the same ReLUs open, the"
                " largest first; slopes and bias multiplied out layer by layer; error: to the"
                " network’s own logit, over the points in the region; line: logit 0",
            ],
            about={
                "regions": len(found.regions),
                "accuracy": round(found.accuracy, 6),
                "loss": round(found.loss, 6),
            },
        )

    def _sentence(self, found: Plane) -> str:
        count = len(found.regions)
        used = sum(one.points > 0 for one in found.regions)
        error = max(one.error for one in found.regions)
        layers = "one layer" if self.layers == 1 else f"{self.layers} layers"
        state = f"after {found.trained} steps" if found.trained else "untrained"
        return (
            f"{layers.capitalize()} of {self.units} ReLUs, {state}, cut the plane into {count}"
            f" regions, {used} of them with points; in each the network is one affine function, to"
            f" {error:.0e}, and it tells {100 * found.accuracy:.0f} % of the points apart."
        )

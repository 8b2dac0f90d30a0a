"""The study of map clusters: which strategies a network has for one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pda_studio.counts import counted, written
from pda_studio.parameters import parameter
from pda_studio.studies.base import Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.class_images import OverClassImages

if TYPE_CHECKING:
    from pda_studio.experiments.map_clusters import MapClusters

_APART = 0.25  # a silhouette below is no structure, by Kaufman & Rousseeuw
_COLUMNS = (
    Column("cluster", "cluster", "count"),
    Column("images", "images", "count"),
    Column("share", "share", "share"),
    Column("probability", "mean probability", "correlation"),
    Column("silhouette", "silhouette", "correlation"),
    Column("typical", "most typical image"),
)


class ClustersOfMaps(OverClassImages):
    """Spectral clusters of the maps of one class, and an embedding of them."""

    name: ClassVar[str] = "map-clusters"
    title: ClassVar[str] = "Clusters of maps"
    summary: ClassVar[str] = (
        "Which images of a class have like maps: a cluster of its own can show that the network"
        " has another strategy for some, as a watermark (spectral relevance analysis, SpRAy)."
    )
    citation: ClassVar[str] = (
        "Lapuschkin et al., Unmasking Clever Hans predictors and assessing what machines really"
        " learn, Nature Communications 10, 2019; Anders et al., Software for dataset-wide XAI, 2021"
    )

    side: int = parameter(
        16, "Side", "Of the maps, once they are made small.", unit="pixels", ge=2, le=64
    )
    evidence: Literal["signed", "positive", "absolute"] = parameter(
        "signed", "Evidence", "What of the maps is compared."
    )
    neighbours: int = parameter(
        0,
        "Neighbours",
        "With how many nearest maps each is joined; 0 takes the square root of their number.",
        unit="maps",
        ge=0,
        le=1000,
    )
    clusters: int = parameter(
        0,
        "Clusters",
        "How many; 0 takes what the largest gap between the eigenvalues says, which may be one.",
        ge=0,
        le=30,
    )
    most: int = parameter(
        8, "Most clusters", "How many there may be, where the gap says it.", ge=2, le=30
    )
    embedding: Literal["t-sne", "spectral"] = parameter(
        "t-sne",
        "Embedding",
        "How maps are laid out in a plane: neighbours near one another, or by the graph's"
        " eigenvectors.",
    )
    seed: int = parameter(0, "Seed", "The same seed gives the same plane.", ge=0, le=2**31)

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Explain one image of the class after the other, and cluster the maps."""
        from pda_studio.experiments.map_clusters import Clustering, map_clusters

        clustering = Clustering(
            self.side,
            self.evidence,
            self.neighbours,
            self.clusters,
            max(self.most, self.clusters),
            self.embedding,
            self.seed,
        )
        yield from self.carried_out(inputs, map_clusters, clustering)

    def result(self, found: MapClusters, method: str, measured_on: dict[str, Any]) -> StudyResult:
        """Clusters of maps, and where each map lies in the plane."""
        from pda_studio.experiments.map_clusters_figure import draw_map_clusters

        count = len(found.maps)
        rows = [
            (
                number,
                len(one.members),
                len(one.members) / count,
                round(one.probability, 4),
                round(one.silhouette, 4),
                found.of.images[one.members[0]].name,
            )
            for number, one in enumerate(found.clusters, 1)
        ]
        return StudyResult(
            sentence=self._sentence(found, method),
            table=Table(_COLUMNS, rows),
            draw=lambda: draw_map_clusters(found),
            notes=[
                f"maps of {method} for “{found.of.name}”, {self.side} × {self.side} means of"
                f" {self.evidence} evidence, each of root mean square 1; each joined with its"
                f" {found.neighbours} nearest; silhouette: from −1 to 1, about 0 where clusters run"
                " into one another",
                "The plane shows who is near whom; distances between groups in it mean nothing.",
            ],
            about={**measured_on, "class": found.of.name, "method": method},
            images=[image.path for image in found.of.images],
        )

    def _sentence(self, found: MapClusters, method: str) -> str:
        images = counted(len(found.maps), "image")
        head = f"The maps of {images} of “{found.of.name}” by {method}"
        if len(found.clusters) == 1:
            return f"{head} form one cluster: no strategy is apart from the others."
        shares = ", ".join(f"{len(one.members)}" for one in found.clusters)
        told = f"{head} form {len(found.clusters)} clusters ({shares} images)"
        number, one = max(enumerate(found.clusters, 1), key=lambda each: each[1].silhouette)
        told += f"; clearest apart is cluster {number} (silhouette {written(one.silhouette)})"
        return f"{told}, but they run into one another." if one.silhouette < _APART else f"{told}."

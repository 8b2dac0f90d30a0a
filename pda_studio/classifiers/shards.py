"""Weights that lie in several files, listed by an index."""

from pathlib import Path

from pda_studio.classifiers.weights import Weights, read_weights
from pda_studio.errors import PdaStudioError
from pda_studio.reading import json_of, refused_as

INDEX = ".index.json"
_MOST_SHARDS = 1000


def read_shards(index: Path) -> Weights:
    """Read the weights that an index (such as model.safetensors.index.json) lists.

    Raises
    ------
    PdaStudioError
        If a file is missing or damaged, or the index leads out of its folder.
    """
    found: Weights = {}
    for shard in shards_of(index):
        found |= read_weights(shard)
    return found


def shards_of(index: Path) -> list[Path]:
    """The files that an index lists.

    Raises
    ------
    PdaStudioError
        If a file is missing or damaged, or the index leads out of its folder.
    """
    damaged = f"{index.name} is no index of weights; fetch it again."
    with refused_as(damaged, index):
        file_of = json_of(index.read_bytes())["weight_map"]
        names = sorted({str(name) for name in file_of.values()})
        if not names or len(names) > _MOST_SHARDS:
            raise ValueError("no shards")
    for name in names:
        if Path(name).name != name or (index.parent / name).is_symlink():
            raise PdaStudioError(
                f"{index.name} was refused: it leads to “{name}”, out of its own folder;"
                " fetch it again, with its shards beside it."
            )
        if not (index.parent / name).is_file():
            raise PdaStudioError(
                f"{index.name} names {name}, which is not beside it; fetch it as well."
            )
    return [index.parent / name for name in names]

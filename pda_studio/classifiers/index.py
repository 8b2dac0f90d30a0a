"""An index of all networks by the names and shapes of their tensors; none need be built for it.

`packaging/make_architectures.py` makes it. A network that is missing in it, of a later version of
a library, is found all the same, only slower.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files

from pda_studio.classifiers.outlines import Outline, Shape, counted, digest, values_in

_FILE = "architectures.json"
_SHARE = 0.4  # of a file's tensors: an average beside the weights leaves each a half
_SEQUENTIAL = re.compile(r"^(.+)\.\d+\.(weight|bias)$")


@dataclass(frozen=True)
class Group:
    """Networks whose tensors have the same names.

    Attributes
    ----------
    names : str
        Hash of the names.
    tensors : int
        How many there are.
    heads, stems : list of str
        As of their `Outline`.
    networks : dict of str to int
        Values in the body of each, by the network's name.
    """

    names: str
    tensors: int
    heads: list[str]
    stems: list[str]
    networks: dict[str, int]


def grouped(outlines: Mapping[str, Outline]) -> list[Group]:
    """Put networks into groups."""
    groups: dict[tuple[object, ...], Group] = {}
    for name, one in outlines.items():
        key = digest(one.names), one.heads, one.stems
        made = Group(key[0], len(one.names), list(one.heads), list(one.stems), {})
        groups.setdefault(key, made).networks[name] = one.body
    return list(groups.values())


def as_text(groups: list[Group]) -> str:
    """The index as JSON, a group a line."""
    lines = (json.dumps(asdict(group), separators=(",", ":")) for group in groups)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def fitting(shapes: Mapping[str, Shape]) -> list[str]:
    """Networks whose tensors have these names and, but for classes and channels, these shapes.

    A prefix before the names, what stands beside it, and a head inside a Sequential are understood.
    """
    found: dict[str, None] = {}
    for inside in _without_prefixes(shapes):
        for renamed in _with_plain_head(inside):
            names = counted(renamed)
            for group in _by_names().get(digest(names), ()):
                body = values_in(renamed, names, group.heads, group.stems)
                found |= dict.fromkeys(
                    name for name, values in group.networks.items() if values == body
                )
    return list(found)


def nearest(shapes: Mapping[str, Shape], start: str, most: int) -> list[str]:
    """Networks whose names begin so and that have about as many tensors and values."""
    names = counted(shapes)
    values = values_in(shapes, names, (), ())
    near = [
        (abs(group.tensors - len(names)), abs(body - values), name)
        for group in _groups()
        for name, body in group.networks.items()
        if name.startswith(start)
    ]
    return [name for _, _, name in sorted(near)[:most]]


def names_of_torchvision() -> list[str]:
    """Names of torchvision's networks, without its import, which takes a second."""
    indexed = (name for group in _groups() for name in group.networks)
    return sorted(name for name in indexed if "/" not in name and name != "digits")


def _without_prefixes(shapes: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """The shapes inside each prefix that many names share; all of them first."""
    counts: dict[str, int] = {}
    for name in shapes:
        parts = name.split(".")
        for depth in range(1, len(parts)):
            prefix = ".".join(parts[:depth]) + "."
            counts[prefix] = counts.get(prefix, 0) + 1
    yield dict(shapes)
    for prefix, count in counts.items():
        if count >= _SHARE * len(shapes):
            yield {
                name.removeprefix(prefix): shape
                for name, shape in shapes.items()
                if name.startswith(prefix)
            }


def _with_plain_head(shapes: dict[str, Shape]) -> Iterator[dict[str, Shape]]:
    """The shapes themselves, then with each layer in turn out of a Sequential around it."""
    yield shapes
    for name, shape in list(shapes.items()):
        match = _SEQUENTIAL.match(name)
        if match is not None and match[2] == "weight" and len(shape) == 2:
            inner, outer = name.removesuffix("weight"), f"{match[1]}."
            if f"{outer}weight" not in shapes:
                yield {
                    outer + key.removeprefix(inner) if key.startswith(inner) else key: one
                    for key, one in shapes.items()
                }


@lru_cache(maxsize=1)
def _groups() -> tuple[Group, ...]:
    text = (files("pda_studio.resources") / _FILE).read_text()
    return tuple(Group(**group) for group in json.loads(text))


@lru_cache(maxsize=1)
def _by_names() -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in _groups():
        found.setdefault(group.names, []).append(group)
    return found

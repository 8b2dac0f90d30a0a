"""The figures of the papers as panels of maps: each is one entry of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Setting:
    """A way to make maps.

    Attributes
    ----------
    title : str
        Its name in the figure.
    method : str
        The method's name in the registry.
    values : Mapping
        Values of its parameters, where they are not what suits the classifier.
    """

    title: str
    method: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """A panel of maps, as a paper shows it.

    Attributes
    ----------
    title, figure : str
        What it shows, and which figure of which paper.
    down : {"images", "classes", "layers"}
        What its rows are: images; the three likeliest classes of an image; an early, a middle and
        a late layer.
    across : {"settings", "classifiers", "feature maps"}
        What its columns are: the settings; the classifiers; the strongest feature maps of the
        row's layer, or of the middle one.
    settings : tuple of Setting
        How maps are made; one alone, where the columns are something else.
    compared : {"columns", "rows"}
        Whether each map is compared with that of the first column, or of the first row.
    """

    title: str
    figure: str
    down: Literal["images", "classes", "layers"]
    across: Literal["settings", "classifiers", "feature maps"]
    settings: tuple[Setting, ...]
    compared: Literal["columns", "rows"] = "columns"


_ZINTGRAF = "Zintgraf et al., Visualizing deep neural network decisions, ICLR 2017, Fig."
_ZHOU = "Zhou & Kainz, Efficient image evidence analysis, Fig."
_ORIGINAL = Setting("Original PDA", "original-pda")
_EFFICIENT = Setting("Efficient PDA", "efficient-pda")
_SAMPLED = Setting("Sampled PDA", "sampled-pda")
_SIMPLIFIED = Setting("Simplified PDA", "simplified-pda", {"forward": "linearised"})

PRESETS: dict[str, Preset] = {
    "marginal-conditional": Preset(
        "Marginal against conditional samples",
        f"{_ZINTGRAF} 3",
        "images",
        "settings",
        (
            Setting("Marginal", "original-pda", {"infill": "marginal-samples"}),
            Setting("Conditional", "original-pda", {"infill": "conditional-samples"}),
        ),
    ),
    "layers": Preset(
        "Layers, and the strongest feature maps of each",
        f"{_ZINTGRAF} 5",
        "layers",
        "feature maps",
        (_ORIGINAL,),
    ),
    "feature-maps": Preset(
        "The strongest feature maps of a middle layer",
        f"{_ZINTGRAF} 6",
        "images",
        "feature maps",
        (_ORIGINAL,),
    ),
    "before-after-softmax": Preset(
        "The three likeliest classes before and after the softmax",
        f"{_ZINTGRAF} 7",
        "classes",
        "settings",
        (
            Setting("Before the softmax", "original-pda", {"difference": "logit"}),
            Setting("After the softmax", "original-pda", {"difference": "log-odds"}),
        ),
        "rows",
    ),
    "architectures": Preset(
        "Architectures", f"{_ZINTGRAF} 8", "images", "classifiers", (_ORIGINAL,)
    ),
    "original-efficient": Preset(
        "Original against efficient PDA",
        f"{_ZHOU} 14",
        "images",
        "settings",
        (_ORIGINAL, _EFFICIENT),
    ),
    "original-sampled": Preset(
        "Original against sampled PDA", f"{_ZHOU} 15", "images", "settings", (_ORIGINAL, _SAMPLED)
    ),
    "efficient-simplified": Preset(
        "Efficient against simplified PDA",
        f"{_ZHOU} 19",
        "images",
        "settings",
        (_EFFICIENT, _SIMPLIFIED),
    ),
    "original-to-simplified": Preset(
        "Original, efficient, sampled and simplified PDA",
        f"{_ZHOU} 14, 15 and 19",
        "images",
        "settings",
        (_ORIGINAL, _EFFICIENT, _SAMPLED, _SIMPLIFIED),
    ),
}
"""Every panel by its name; a new one is a new entry."""

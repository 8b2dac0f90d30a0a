"""Panels of maps for publication: the picture, what speaks for and against, and how it was found.

Everything is laid out in whole dots of 300 to the inch, the resolution of the bitmaps, so that
every pixel of a map is drawn equally large and edges stay sharp.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from pda_studio import __version__
from pda_studio.errors import UsageError
from pda_studio.figures.contours import draw_contours
from pda_studio.files import check_writable, written_whole
from pda_studio.methods import METHODS, EvidenceMap
from pda_studio.rendering import (
    Appearance,
    colour_scale,
    heat_map,
    map_colours,
    scale_end,
    scale_start,
)
from pda_studio.rendering import overlay as render_overlay

COLOURS = "RdBu_r"
"""Blue against, white zero, red for."""

_PLAIN = Appearance(colours=COLOURS)
DPI = 300
STYLE: Any = {
    # Not the user's own settings; the backend is theirs to choose, and plays no part.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "pdf.fonttype": 42,  # TrueType: text stays text, and journals refuse the other kind
    "svg.fonttype": "none",
    "svg.hashsalt": "pda-studio",  # the same figure gives the same file
    "image.composite_image": False,
    "axes.unicode_minus": True,
}
_MAKER = f"PDA Studio {__version__}"
_SAVING: dict[str, dict[str, Any]] = {
    ".png": {"metadata": {"Software": _MAKER}},
    ".pdf": {"metadata": {"Creator": _MAKER, "CreationDate": None}},
    ".svg": {"metadata": {"Creator": _MAKER, "Date": None}},
    ".tif": {"pil_kwargs": {"compression": "tiff_lzw"}},
}
"""How each kind of file is written: always the same bytes for the same figure."""

# Lengths in dots.
_WIDTH = 2172  # 7.24 inches: both columns of a journal, and three tiles of 3·224 dots
_SMALLEST_TILE = 400
_MARGIN = 36
_GAP = 24  # between a map and its overlay
_GROUP_GAP = 60  # between what belongs to different maps
_ROW_GAP = 72
_HEADLINE = 66
_HEADING = 48
_DETAILS = 36
_BAR_GAP = 24
_BAR = 27
_BAR_TEXT = 81  # the numbers and the unit below a colour bar
_CAPTION_GAP = 48

# Sizes in points.
_LARGE, _NORMAL, _SMALL = 10.0, 7.5, 6.5
_INK, _GREY = "#1a1a1a", "#5f5f5f"
_FOR, _AGAINST = "#b2182b", "#2166ac"
_WARNING = "#a65000"

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NO_BREAK = "\N{NO-BREAK SPACE}"


def check_figure(path: Path) -> None:
    """Refuse a figure's path at once, before hours of work go into what cannot be written.

    Raises
    ------
    UsageError
        If its suffix is not .png, .pdf, .svg or .tif.
    PdaStudioError
        If it is a folder, or its folder is missing or not writable.
    """
    path = Path(path)
    if path.suffix.lower() not in _SAVING:
        raise UsageError(
            f"Cannot draw {path.name}: a figure's name must end in {_listed(list(_SAVING))}."
        )
    check_writable(path)


def save_panel(
    maps: Sequence[EvidenceMap],
    path: Path,
    *,
    rows: int = 1,
    appearance: Appearance | None = None,
) -> None:
    """Draw maps as `draw_panel` does and write them, whole or not at all.

    Parameters
    ----------
    maps : sequence of EvidenceMap
        At least one.
    path : Path
        Its suffix says what is written: .png, .pdf, .svg or .tif.
    rows : int
        How many rows the maps are spread over.
    appearance : Appearance, optional
        How the maps are drawn; without it, plainly.

    Raises
    ------
    UsageError
        If the suffix is another one, or there are no maps or fewer than rows.
    PdaStudioError
        If the file cannot be written.
    """
    check_figure(path)
    save_figure(draw_panel(maps, rows=rows, appearance=appearance), path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all: the same bytes for the same figure.

    Raises
    ------
    UsageError
        If the suffix is not .png, .pdf, .svg or .tif.
    PdaStudioError
        If the file cannot be written.
    """
    path = Path(path)
    check_figure(path)
    suffix = path.suffix.lower()
    memory = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(memory, format=suffix[1:], dpi=DPI, **_SAVING[suffix])
    with written_whole(path) as file:
        file.write(memory.getbuffer())


def draw_panel(
    maps: Sequence[EvidenceMap], *, rows: int = 1, appearance: Appearance | None = None
) -> Figure:
    """Draw maps side by side: the picture, then each map by itself and over the grey picture.

    Of a method that makes a picture, the made picture stands in the place of map and overlay.

    Parameters
    ----------
    maps : sequence of EvidenceMap
        At least one, spread evenly over the rows; where the picture changes within a row, it is
        drawn again.
    rows : int
        Number of rows.
    appearance : Appearance, optional
        How the maps are drawn: as a window that has it shows them. Without it, plainly: all
        evidence, each map on its own scale.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. 7.2 inches wide, or wider if more than five tiles stand in a row.

    Raises
    ------
    UsageError
        If there are no maps, or fewer than rows.
    """
    if not maps:
        raise UsageError("There is no map to draw.")
    if not 1 <= rows <= len(maps):
        raise UsageError(f"{len(maps)} maps cannot stand in {rows} rows.")
    per_row = -(-len(maps) // rows)
    chunks = [list(maps[start : start + per_row]) for start in range(0, len(maps), per_row)]
    with matplotlib.rc_context(STYLE):
        return _Page(chunks, appearance).figure


@dataclass(frozen=True)
class _Group:
    """A picture and the maps of it that stand beside it."""

    maps: list[EvidenceMap]

    @property
    def view(self) -> NDArray[np.uint8]:
        return self.maps[0].view


class _Page:
    """A figure in the making; lengths are dots from the upper left corner."""

    def __init__(self, chunks: list[list[EvidenceMap]], appearance: Appearance | None) -> None:
        self.appearance = appearance
        self.maps = [evidence_map for chunk in chunks for evidence_map in chunk]
        rows = [_groups(chunk) for chunk in chunks]
        self.tile, self.tile_height, widest = _tile_size(rows)
        headlines = _headlines(chunks)
        self.details = [_details(m, self.maps, not any(headlines)) for m in self.maps]
        self.heading = _HEADING + (_DETAILS if any(self.details) else 0)
        self.width = widest + 2 * _MARGIN
        caption = _wrapped(_caption(self.maps), self.width - 2 * _MARGIN, _SMALL)
        line = round(_SMALL * 1.45 / 72 * DPI)
        row = self.heading + self.tile_height + _BAR_GAP + _BAR + _BAR_TEXT
        self.height = (
            2 * _MARGIN
            + sum(row + (_HEADLINE if headline else 0) for headline in headlines)
            + _ROW_GAP * (len(rows) - 1)
            + _CAPTION_GAP
            + line * len(caption)
        )
        self.figure = Figure(
            figsize=(self.width / DPI, self.height / DPI), dpi=DPI, facecolor="white"
        )
        y = _MARGIN
        for groups, headline in zip(rows, headlines, strict=True):
            if headline:
                self.headline(headline, y)
                y += _HEADLINE
            self.row(groups, y)
            y += row + _ROW_GAP
        y += _CAPTION_GAP - _ROW_GAP
        for text in caption:
            self.text(_MARGIN, y, text, size=_SMALL, color=_GREY, va="top")
            y += line

    def row(self, groups: list[_Group], y: int) -> None:
        """Draw pictures, each followed by its maps."""
        x = _MARGIN
        for group in groups:
            self.text(x, y + _HEADING - 15, "Input", size=_NORMAL, color=_INK)
            self.image(x, y + self.heading, group.view)
            x += self.tile + _GROUP_GAP
            for evidence_map in group.maps:
                width = _tiles(evidence_map) * (self.tile + _GAP) - _GAP
                self.map(x, y, width, evidence_map)
                x += width + _GROUP_GAP

    def headline(self, parts: tuple[str, str], y: int) -> None:
        """Write the target, and its probability in grey."""
        name, probability = parts
        used = _text_width(probability, _LARGE) + 45
        name = _fitted(name, self.width - 2 * _MARGIN - used, _LARGE, "bold")
        self.text(_MARGIN, y + 36, name, size=_LARGE, color=_INK, weight="bold")
        start = _MARGIN + _text_width(name, _LARGE, "bold") + 27
        self.text(start, y + 36, probability, size=_LARGE, color=_GREY)

    def map(self, x: int, y: int, width: int, evidence_map: EvidenceMap) -> None:
        """Draw a map, its overlay, and their colour bar; or a made picture, and what it does."""
        baseline = y + _HEADING - 15
        unfinished = _unfinished(evidence_map)
        room = width - (_text_width(unfinished, _NORMAL) + 24 if unfinished else 0)
        title = _fitted(evidence_map.title, room, _NORMAL, "bold")
        self.text(x, baseline, title, size=_NORMAL, color=_INK, weight="bold")
        if unfinished:
            self.text(x + width, baseline, unfinished, size=_NORMAL, color=_WARNING, ha="right")
        details = next(d for m, d in zip(self.maps, self.details, strict=True) if m is evidence_map)
        details = _fitted(details, width, _SMALL)
        self.text(x, baseline + _DETAILS, details, size=_SMALL, color=_GREY)
        y += self.heading
        if evidence_map.picture is not None:
            self.image(x, y, evidence_map.picture)
            below = y + self.tile_height + _BAR_GAP + _BAR
            for line in _wrapped([evidence_map.forward], width, _SMALL)[:3]:
                self.text(x, below, line, size=_SMALL, color=_INK)
                below += _DETAILS
            return
        beside = x + self.tile + _GAP
        if self.appearance is None:
            norm = Normalize(-evidence_map.limit, evidence_map.limit)
            self.image(x, y, evidence_map.evidence, cmap=COLOURS, norm=norm)
            self.image(beside, y, overlay(evidence_map))
        else:
            limit = scale_end(evidence_map, self.maps, self.appearance)
            self.image(x, y, heat_map(evidence_map, self.appearance, limit))
            axes = self.image(beside, y, render_overlay(evidence_map, self.appearance, limit))
            if self.appearance.style == "contours":
                draw_contours(axes, evidence_map, self.appearance, limit)
        self.colour_bar(x, y + self.tile_height + _BAR_GAP, width, evidence_map)

    def colour_bar(self, x: int, y: int, width: int, evidence_map: EvidenceMap) -> None:
        """Draw the scale below a map and its overlay."""
        axes = self.axes(x, y, width, _BAR)
        pixels: NDArray[Any] = np.linspace(-1, 1, 255)[None, :]
        limit, appearance = evidence_map.limit, self.appearance
        start, against, in_favour = -limit, _AGAINST, _FOR
        if appearance is not None:
            limit = scale_end(evidence_map, self.maps, appearance)
            start = scale_start(evidence_map, appearance, limit)
            pixels = colour_scale(evidence_map, appearance, limit)[None]
            if map_colours(evidence_map, appearance).name not in (COLOURS, "red-blue"):
                against = in_favour = _GREY  # red and blue would promise what is not there
        axes.imshow(
            pixels,
            cmap=COLOURS,
            interpolation="none",
            aspect="auto",
            extent=(start, limit, 0, 1),
        )
        ticks, labels, power = _ticks(limit)
        first = 0 if start else ticks.index(0.0)
        ticks, labels = ticks[first:], labels[first:]
        axes.set_xticks(ticks, labels, fontsize=_SMALL, color=_INK, family="DejaVu Sans")
        axes.tick_params(axis="x", length=2, width=0.5, pad=1.5, color=_INK)
        below = y + _BAR + _BAR_TEXT - 6
        if start:
            self.text(x, below, "◂ against", size=_SMALL, color=against)
        self.text(x + width, below, "for ▸", size=_SMALL, color=in_favour, ha="right")
        scale = f"10{str(power).translate(_SUPERSCRIPTS)} " if power else ""
        unit = f"evidence ({scale}{evidence_map.unit})"
        room = width - 2 * _text_width("◂ against", _SMALL) - 48
        if _text_width(unit, _SMALL) > room:
            unit = _fitted(f"{scale}{evidence_map.unit}", room, _SMALL)
        self.text(x + width / 2, below, unit, size=_SMALL, color=_INK, ha="center")

    def axes(self, x: int, y: int, width: int, height: int) -> Axes:
        """Make axes with a thin frame and nothing else."""
        axes: Axes = self.figure.add_axes(
            (
                x / self.width,
                1 - (y + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
            spine.set_color("#8c8c8c")
        return axes

    def image(self, x: int, y: int, pixels: NDArray[Any], **style: Any) -> Axes:
        """Draw an image as a tile, each pixel as it is."""
        axes = self.axes(x, y, self.tile, self.tile_height)
        axes.imshow(pixels, interpolation="none", aspect="auto", **style)
        return axes

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write text on its baseline (or as `va` says), dollar signs and all."""
        style = {"family": "DejaVu Sans", "va": "baseline", **style}
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **style)


def overlay(evidence_map: EvidenceMap) -> NDArray[np.uint8]:
    """Lay evidence over the grey picture, the stronger the less transparent: (H, W, 3) uint8.

    Plainly, as `draw_panel` does without an appearance: what is guessed in an unfinished map is
    told in words.
    """
    return render_overlay(evidence_map.replace(covered=None), _PLAIN, evidence_map.limit)


def _groups(maps: list[EvidenceMap]) -> list[_Group]:
    """Put neighbours that show the same picture together."""
    by_picture = groupby(maps, key=lambda m: (m.view.shape, m.view.tobytes()))
    return [_Group(list(members)) for _, members in by_picture]


def _tile_size(rows: list[list[_Group]]) -> tuple[int, int, int]:
    """Width and height of a tile, and the width of the widest row."""

    def parts(groups: list[_Group]) -> tuple[int, int]:
        tiles = [_tiles(evidence_map) for group in groups for evidence_map in group.maps]
        maps = len(tiles)
        gaps = _GROUP_GAP * (len(groups) + maps - 1) + _GAP * (sum(tiles) - maps)
        return len(groups) + sum(tiles), gaps

    counted = [parts(groups) for groups in rows]
    room = min((_WIDTH - 2 * _MARGIN - gaps) // tiles for tiles, gaps in counted)
    tile = max(_SMALLEST_TILE, room)
    height, width = rows[0][0].view.shape[:2]
    if tile >= 2 * width:
        tile = round(tile / width) * width  # as many dots for each pixel
    return tile, round(tile * height / width), max(n * tile + gaps for n, gaps in counted)


def _tiles(evidence_map: EvidenceMap) -> int:
    """How many tiles it takes: a map and its overlay, or a made picture."""
    return 1 if evidence_map.picture is not None else 2


def _headlines(chunks: list[list[EvidenceMap]]) -> list[tuple[str, str] | None]:
    """What to write over each row: the target and its probability, unless the row above has it.

    None anywhere if a row holds several decisions; each map then bears its own.
    """
    if any(_decision(m) != _decision(chunk[0]) for chunk in chunks for m in chunk):
        return [None] * len(chunks)
    headlines: list[tuple[str, str] | None] = []
    for index, chunk in enumerate(chunks):
        first = chunk[0]
        if index and _decision(first) == _decision(chunks[index - 1][0]):
            headlines.append(None)
        else:
            what = "hidden unit" if first.is_hidden else f"probability {_percent(first)}"
            headlines.append((first.target_name, what))
    return headlines


def _decision(evidence_map: EvidenceMap) -> tuple[str, str, float]:
    m = evidence_map
    return m.target_name, m.fingerprint, round(float(m.probabilities[m.target]), 6)


def _percent(evidence_map: EvidenceMap) -> str:
    share = 100 * float(evidence_map.probabilities[evidence_map.target])
    if 0 < share < 0.01:
        return "< 0.01 %"
    if 99.99 < share < 100:
        return "> 99.99 %"
    return f"{share:.2f} %" if share < 1 or share > 99 else f"{share:.1f} %"


def _unfinished(evidence_map: EvidenceMap) -> str:
    if evidence_map.covered is None:
        return ""
    if evidence_map.picture is not None:
        return "unfinished"
    return f"unfinished, {int(100 * evidence_map.covered.mean())} % covered"


def _details(evidence_map: EvidenceMap, maps: Sequence[EvidenceMap], decision: bool) -> str:
    """What tells a map from the others in the figure, other than its method."""
    parts = []
    if decision:
        parts.append(f"P({evidence_map.target_name}) {_percent(evidence_map)}")
    if len({m.fingerprint for m in maps}) > 1:
        parts.append(evidence_map.classifier)
    alike = [_heeded(m) for m in maps if m.title == evidence_map.title]
    own = _heeded(evidence_map)
    parts += [
        text.removesuffix(unit)
        for name, (text, unit) in own.items()
        if any(other.get(name) != (text, unit) for other in alike)
    ]
    return ", ".join(parts)


def _heeded(evidence_map: EvidenceMap) -> dict[str, tuple[str, str]]:
    """The parameters that play a part, in words, and the unit that ends these, by name."""
    method = METHODS.get(evidence_map.method)
    values = evidence_map.parameters
    if method is None:  # a map from elsewhere
        return {name: (f"{name} = {v}", "") for name, v in values.items() if v is not None}
    unheeded = method.model_construct(**values).unheeded()
    texts = {}
    for known in method.parameters():
        value = values.get(known.name)
        if value is None or known.name in unheeded:
            continue
        shown = Path(str(value)).name if known.kind == "path" else value
        unit = f" {known.unit}" if known.unit else ""
        if known.kind == "integer" and value == 1:
            unit = unit.removesuffix("s")
        texts[known.name] = (f"{known.label.lower()} = {shown}{unit}", unit)
    return texts


def _caption(maps: Sequence[EvidenceMap]) -> list[str]:
    """How the maps were made: a paragraph for each method and setting, one for each classifier."""
    paragraphs = []
    for evidence_map in maps:
        words = (text.replace(" ", _NO_BREAK) for text, _ in _heeded(evidence_map).values())
        told = "; ".join(part for part in (", ".join(words), evidence_map.forward) if part)
        paragraphs.append(f"{evidence_map.title}: {told}." if told else evidence_map.title)
    for evidence_map in maps:
        source = "built in" if evidence_map.weights == "built in" else evidence_map.weights
        paragraphs.append(
            f"Classifier: {evidence_map.classifier} (weights {source},"
            f" {evidence_map.fingerprint[:8]})."
        )
    return list(dict.fromkeys(paragraphs))


def _ticks(limit: float) -> tuple[list[float], list[str], int]:
    """Five round values, symmetric about zero, away from the ends; labels; a power of ten.

    The labels are the values divided by the power, which is 0 for values of a handy size.
    """
    farthest = 0.9 * limit
    power = int(np.floor(np.log10(farthest)))
    end = max(m for m in (1, 1.5, 2, 3, 4, 5, 6, 8) if m <= farthest / 10.0**power * (1 + 1e-9))
    shared = power if not -3 <= power <= 3 else 0
    mantissas = [-end, -end / 2, 0.0, end / 2, end]
    labels = [f"{m * 10.0 ** (power - shared):.5g}".replace("-", "−") for m in mantissas]
    return [m * 10.0**power for m in mantissas], labels, shared


def _text_width(text: str, size: float, weight: str = "normal") -> int:
    """Width of a line in dots."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return int(np.ceil(width / 72 * DPI))


def _fitted(text: str, room: int, size: float, weight: str = "normal") -> str:
    """The text, or as much of its start as there is room for, with an ellipsis."""
    if _text_width(text, size, weight) <= room:
        return text
    while text and _text_width(f"{text}…", size, weight) > room:
        text = text[:-1].rstrip(" ,;:")
    return f"{text}…"


def _wrapped(paragraphs: list[str], room: int, size: float) -> list[str]:
    """Break paragraphs into lines between words; a word that is too long is cut."""
    lines = []
    for paragraph in paragraphs:
        line = ""
        for word in paragraph.split(" "):
            word = _fitted(word, room, size)
            longer = f"{line} {word}".strip()
            if line and _text_width(longer, size) > room:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"

"""A report as PDF: the same parts as in HTML, on pages of A4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    CondPageBreak,
    HRFlowable,
    Image,
    KeepTogether,
    LongTable,
    Paragraph,
    Preformatted,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from pda_studio.figures.saving import figure_bytes
from pda_studio.report.document import Part, Report, StudyPart, command_of, note_of

if TYPE_CHECKING:
    from pda_studio.studies import Table

_SANS, _BOLD, _MONO = "Report", "Report-Bold", "Report-Mono"
_FILES = {
    _SANS: "DejaVuSans.ttf",
    _BOLD: "DejaVuSans-Bold.ttf",
    _MONO: "DejaVuSansMono.ttf",
}  # they come with matplotlib, and have the signs that sentences and tables use
_INK, _GREY, _LINE, _GROUND = map(HexColor, ("#1a1a1a", "#5f5f5f", "#d9d9d9", "#f5f5f5"))
_MARGIN, _FOOT = 20 * mm, 11 * mm
_PADDING = 6  # points that reportlab leaves free within margins
_WIDTH = A4[0] - 2 * _MARGIN
_TALLEST = 150 * mm  # of a figure: its sentence and its heading stand on the same page
_DPI = 300
_CELL, _GAP = 6.5, 4.0  # points: letters of tables, and what stays free beside them
_SHORTEST = 9  # letters that a column of text keeps, however many columns there are
_LINE_LENGTH = 100  # letters of a line of BibTeX


def pdf(report: Report) -> bytes:
    """The report on pages; the same report gives the same bytes."""
    for name, font in _FILES.items():
        registerFont(TTFont(name, Path(matplotlib.get_data_path(), "fonts", "ttf", font)))
    registerFontFamily(_SANS, normal=_SANS, bold=_BOLD, italic=_SANS, boldItalic=_BOLD)
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=_MARGIN - _PADDING,
        rightMargin=_MARGIN - _PADDING,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=report.title,
        author="",
        creator=report.versions[0] if report.versions else "PDA Studio",
        invariant=1,
        initialFontName=_SANS,
    )

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont(_SANS, 7)
        canvas.setFillColor(_GREY)
        canvas.drawString(_MARGIN, _FOOT, _shortened(report.title))
        canvas.drawRightString(A4[0] - _MARGIN, _FOOT, str(canvas.getPageNumber()))

    document.build(_story(report), onFirstPage=foot, onLaterPages=foot)
    return file.getvalue()


def _story(report: Report) -> list[Any]:
    story: list[Any] = [_text(report.title, _TITLE), _text(", ".join(report.versions), _SMALL)]
    for number, part in enumerate(report.parts, 1):
        story += _part(number, part, report)
    story += _heading("What it was made with")
    story += [_text(f"•  {one}", _LISTED) for one in (*report.classifiers(), *report.inputs())]
    if report.references:
        story += _heading("References")
        story += [
            _text(f"{number}.  {one.text}", _LISTED)
            for number, one in enumerate(report.references, 1)
        ]
        story.append(_text("BibTeX", _LABEL))
        for one in report.references:
            entry = Preformatted(one.bibtex, _CODE, maxLineLength=_LINE_LENGTH, newLineChars="  ")
            story.append(KeepTogether([entry, Spacer(1, 3)]))
    return story


def _part(number: int, part: Part, report: Report) -> list[Any]:
    sentence = _text(part.sentence, _FOUND)
    story = [KeepTogether([*_heading(f"{number}. {part.title}"), sentence, _figure(part)])]
    if isinstance(part, StudyPart):
        table = part.result.table
        if table.rows:
            story.append(_table(table))
            story += [_text(note, _SMALL) for note in part.result.notes]
    methods = _text(f"{' '.join(part.methods_text)} {report.cited(part)}", _BODY)
    story.append(KeepTogether([_text("Methods", _LABEL), methods]))
    again = [_text("To repeat it", _LABEL), _text(command_of(part), _COMMAND)]
    again += [_text(note_of(part), _SMALL)] if note_of(part) else []
    again += [_text(part.table_file, _SMALL)] if isinstance(part, StudyPart) else []
    story.append(KeepTogether(again))
    return story


def _heading(text: str) -> list[Any]:
    line = HRFlowable(width="100%", thickness=0.5, color=_LINE, spaceBefore=14, spaceAfter=8)
    return [CondPageBreak(40 * mm), line, _text(text, _HEAD)]


def _figure(part: Part) -> Image:
    figure = part.figure()
    width, height = (72.0 * inches for inches in figure.get_size_inches())
    drawn = io.BytesIO(bytes(figure_bytes(figure, ".png", dpi=_DPI)))
    scale = min(1.0, _WIDTH / width, _TALLEST / height)
    image = Image(drawn, width * scale, height * scale, hAlign="LEFT")
    image.spaceBefore = image.spaceAfter = 6
    return image


def _table(table: Table) -> LongTable:
    """All rows; its heading stands again on each page, and what is too long for a column wraps."""
    columns = table.columns
    texts = [[one.text(v) for one, v in zip(columns, row, strict=True)] for row in table.rows]
    numbers = [column.format != "text" for column in columns]
    widths = _widths([column.title for column in columns], texts, numbers)
    heads = [
        _text(column.title, _HEAD_NUMBER if number else _HEAD_CELL)
        for column, number in zip(columns, numbers, strict=True)
    ]
    rows = [
        [
            text if number or _wide(text) <= width else _text(text, _CELL_TEXT)
            for text, width, number in zip(row, widths, numbers, strict=True)
        ]
        for row in texts
    ]
    style = [
        ("FONT", (0, 0), (-1, -1), _SANS, _CELL),
        ("TEXTCOLOR", (0, 0), (-1, -1), _INK),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("VALIGN", (0, 1), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2 * _GAP),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, _GREY),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, _LINE),
        *(("ALIGN", (at, 0), (at, -1), "RIGHT") for at, number in enumerate(numbers) if number),
    ]
    padded = [width + 2 * _GAP for width in widths]
    padded[-1] -= 2 * _GAP
    made = LongTable([heads, *rows], padded, repeatRows=1, splitInRow=1, hAlign="LEFT")
    made.spaceBefore = made.spaceAfter = 6
    made.setStyle(TableStyle(style))
    return made


def _widths(
    heads: Sequence[str], texts: Sequence[Sequence[str]], numbers: Sequence[bool]
) -> list[float]:
    """Points of each column: what its longest text takes, as far as the page has room for that.

    Numbers never wrap: the columns of text share what the page lacks, each by its own length.
    """
    words = [max(_wide(word, _BOLD) for word in head.split() or [""]) + 1 for head in heads]
    words = [max(word, 0.6 * _wide(head, _BOLD)) for word, head in zip(words, heads, strict=True)]
    longest = [max(map(_wide, cells), default=0.0) + 1 for cells in zip(*texts, strict=True)]
    wanted = [max(pair) for pair in zip(words, longest, strict=True)]
    room = _WIDTH - 2 * _GAP * (len(heads) - 1)
    lacking = sum(wanted) - room
    if lacking > 0:
        least = [
            width if number else min(width, max(word, _wide("0" * _SHORTEST)))
            for width, word, number in zip(wanted, words, numbers, strict=True)
        ]
        spare = [width - low for width, low in zip(wanted, least, strict=True)]
        part = min(1.0, lacking / sum(spare)) if sum(spare) else 0.0
        wanted = [width - part * one for width, one in zip(wanted, spare, strict=True)]
    scale = min(1.0, room / sum(wanted))
    return [width * scale for width in wanted]


def _wide(text: str, font: str = _SANS) -> float:
    return float(stringWidth(text, font, _CELL))


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text, quote=False), style)


def _shortened(title: str, letters: int = 90) -> str:
    return title if len(title) <= letters else f"{title[: letters - 1]}…"


def _style(name: str, size: float, **values: Any) -> ParagraphStyle:
    own = {"fontName": _SANS, "textColor": _INK, "leading": 1.4 * size, **values}
    return ParagraphStyle(name, fontSize=size, splitLongWords=1, **own)


_TITLE = _style("title", 18, fontName=_BOLD, spaceAfter=4)
_HEAD = _style("heading", 12, fontName=_BOLD, spaceAfter=4)
_LABEL = _style("label", 8, fontName=_BOLD, textColor=_GREY, spaceBefore=8, spaceAfter=2)
_FOUND = _style("sentence", 9.5, spaceAfter=2)
_BODY = _style("body", 8.5)
_SMALL = _style("small", 7, textColor=_GREY, spaceAfter=2)
_LISTED = _style("listed", 8, leftIndent=12, firstLineIndent=-12, spaceAfter=2)
_CODE = _style("code", 6.5, fontName=_MONO)
_COMMAND = _style(
    "command", 7.5, fontName=_MONO, backColor=_GROUND, borderPadding=5, spaceBefore=6, spaceAfter=9,
    leftIndent=5, rightIndent=5,
)  # fmt: skip
_CELL_TEXT = _style("cell", _CELL, leading=1.2 * _CELL)
_HEAD_CELL = _style("head", _CELL, fontName=_BOLD, leading=1.2 * _CELL)
_HEAD_NUMBER = _style("number", _CELL, fontName=_BOLD, leading=1.2 * _CELL, alignment=TA_RIGHT)

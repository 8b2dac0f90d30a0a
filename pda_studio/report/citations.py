"""What methods and studies cite, as their declarations say it, in BibTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import normalize

_AUTHORS = re.compile(
    r"(?:.*\b(?:by|after|of|class:) )?((?:[^,&]+, )*[^,&]+ & [^,]+|[^,]+ et al\.|^[A-Z]\w+), "
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_LOCATOR = re.compile(r"(?:Algorithm|Eq\.|Figs?\.|Sections?|outlook)")


@dataclass(frozen=True)
class Entry:
    """A publication.

    Attributes
    ----------
    key : str
        Names it in BibTeX.
    authors : tuple of str
        Family names; "others" stands for those that are not named.
    title, venue : str
        Where nothing is said, "".
    year : str
        Likewise.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: str

    @property
    def bibtex(self) -> str:
        """The entry, as a .bib file holds it."""
        fields = {
            "author": " and ".join(self.authors),
            "title": f"{{{self.title}}}" if self.title else "",
            "howpublished": self.venue,
            "year": self.year,
        }
        known = [f"  {name} = {{{_escaped(text)}}}" for name, text in fields.items() if text]
        return f"@misc{{{self.key},\n" + ",\n".join(known) + "\n}"

    @property
    def text(self) -> str:
        """The entry, as a list of references has it."""
        names = [name for name in self.authors if name != "others"]
        who = " & ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        who = f"{who} et al." if "others" in self.authors else who
        where = " ".join(filter(None, (self.venue, self.year)))
        return ". ".join(filter(None, (who.rstrip("."), self.title, where))) + "."


def entries(citation: str) -> list[Entry]:
    """The publications that a declaration cites.

    Parameters
    ----------
    citation : str
        As in `Declaration.citation`: authors, title, venue and year, and which part of it;
        several with semicolons between them.
    """
    found = [_entry(part.strip()) for part in citation.split(";") if part.strip()]
    return [one for one in found if one is not None]


def _entry(text: str) -> Entry | None:
    start = _AUTHORS.match(f"{text}, ")
    if start is None:
        return None
    rest = f"{text}, "[start.end() :].rstrip(", ")
    parts = [part for part in rest.split(", ") if part and not _LOCATOR.match(part)]
    title = parts[0] if parts and not _YEAR.search(parts[0]) else ""
    last = ", ".join(parts[1:] if title else parts)
    found = _YEAR.findall(last)
    year = found[-1] if found else ""
    venue = re.sub(rf",?\s*\b{year}$", "", last).strip() if year else last
    authors = tuple(re.split(r", | & ", start[1].removesuffix(" et al.")))
    if start[1].endswith(" et al."):
        authors = (*authors, "others")
    word = next((one for one in re.findall(r"[A-Za-z]+", title) if len(one) > 3), "")
    plain = normalize("NFKD", f"{authors[0]}{year}{word}".lower())
    key = re.sub(r"[^a-z0-9]", "", plain)
    return Entry(key, authors, title, venue, year)


def _escaped(text: str) -> str:
    return re.sub(r"([&%#$_])", r"\\\1", text)

"""The study of adversarial images: whether maps change with the decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pda_studio.counts import written
from pda_studio.parameters import parameter, same_but
from pda_studio.studies.base import Cell, Column, Inputs, StudyProgress, StudyResult, Table
from pda_studio.studies.over_images import OverImages, about, streamed
from pda_studio.studies.similarities import COLUMNS, cells_of_methods, means_of_methods

if TYPE_CHECKING:
    from pda_studio.experiments.adversarial import Adversarial

_COLUMNS = (Column("compared", "maps before and after"), *COLUMNS)
_ALIKE = 0.5


class AdversarialImages(OverImages):
    """Maps of images, and of the same changed invisibly until the network decides otherwise."""

    name: ClassVar[str] = "adversarial"
    title: ClassVar[str] = "Adversarial images"
    summary: ClassVar[str] = (
        "Whether maps change when an invisible change of the image changes the decision."
    )
    citation: ClassVar[str] = (
        "Nie, Zhang & Patel, A theoretical explanation for perplexing behaviors of"
        " backpropagation-based visualizations, ICML 2018; Madry et al., Towards deep learning"
        " models resistant to adversarial attacks, ICLR 2018"
    )

    images: int = same_but(OverImages, "images", 10)
    radius: float = parameter(
        2.0,
        "Largest change",
        "Of a pixel's colour, in steps of eight bits: 255 are from black to white.",
        step=1.0,
        ge=0.5,
        le=64,
    )
    descent: int = parameter(
        10, "Steps", "Of the descent towards the second likeliest class.", ge=1, le=1000
    )

    def effort(self) -> str:
        """Three maps of each method for each image."""
        return f"3 maps of each method for {self.how_many()}; finished ones are found."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Change one image after another, and explain it before and after."""
        from pda_studio.experiments.adversarial import adversarial_maps

        classifier = inputs.classifier()
        assert inputs.methods is not None, "it is what the study needs"
        subjects = self.subjects(inputs, classifier)
        steps = adversarial_maps(
            subjects, inputs.methods(classifier), radius=self.radius / 255, steps=self.descent
        )
        measured_on = about(classifier, len(subjects))
        yield from streamed(steps, lambda found: _result(found, measured_on))


def _result(found: Adversarial, measured_on: dict[str, Any]) -> StudyResult | None:
    from pda_studio.experiments.adversarial_figure import draw_adversarial

    if not found.attacks:
        return None
    fooled = sum(attack.fooled for attack in found.attacks)
    return StudyResult(
        sentence=_sentence(found, fooled),
        table=Table(_COLUMNS, _rows(found), group="compared"),
        draw=lambda: draw_adversarial(found, lambda each: means_of_methods(each, "spearman")),
        notes=[
            "Images are changed by projected gradient descent towards their second likeliest"
            " class, and rounded to the bits that they have",
            "same class: maps of the class that was the likeliest before; decision: of the"
            " likeliest class before and of that after, where it is another",
            "a map of the decision that stays the same says little of what decided; in the figure"
            " each map has its own scale",
        ],
        about={**measured_on, "decisions_changed": fooled},
    )


def _rows(found: Adversarial) -> list[list[Cell]]:
    pairs = ("same class", found.of_class), ("decision", found.of_fooled())
    return [
        [name, *cells] for name, each in pairs for cells in cells_of_methods(found.methods, each)
    ]


def _sentence(found: Adversarial, fooled: int) -> str:
    """How often the decision changed, and whose maps hardly did."""
    total = len(found.attacks)
    largest = round(255 * max(attack.largest for attack in found.attacks), 1)
    text = f"A change of at most {largest:g} of 255 "
    if total > 1:
        text += f"changed the decision of {fooled or 'none'} of {total} images"
    else:
        text += "changed the decision" if fooled else "did not change the decision"
    if not fooled:
        return f"{text}: choose a larger one."
    strength = [float(one[0] or 0) for one in means_of_methods(found.of_fooled(), "spearman")]
    order = sorted(range(len(strength)), key=lambda place: -strength[place])
    text += f"; maps of the decision by {found.methods[order[0]]} stayed alike by ρ ="
    text += f" {written(strength[order[0]])}"
    if len(order) > 1:
        text += f", most of all, and those by {found.methods[order[-1]]} by"
        text += f" {written(strength[order[-1]])}"
    alike = [found.methods[place] for place in order if strength[place] >= _ALIKE]
    if alike:
        text += f": {', '.join(alike)} hardly show{'s' * (len(alike) == 1)} what decided"
    return f"{text}."

"""The study of bias: how much of a logit no pixel accounts for, seen from each layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pda_studio.studies.base import Column, Inputs, Need, Study, StudyProgress, StudyResult, Table


class BiasShares(Study):
    """|bias| / |logit| at the input and at each layer through which alone the image passes."""

    name: ClassVar[str] = "bias-shares"
    title: ClassVar[str] = "Bias shares"
    summary: ClassVar[str] = (
        "How much of a logit is bias, which no map of a layer's units can show, from layer to"
        " layer."
    )
    citation: ClassVar[str] = (
        "Chen et al., Delving deep into interpreting neural nets with piece-wise affine"
        " representation, ICIP 2019"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"subject"})

    def effort(self) -> str:
        """One gradient."""
        return "One forward and one backward pass: about a second."

    def steps(self, inputs: Inputs) -> Iterator[StudyProgress]:
        """Take the logit apart at all layers at once."""
        from pda_studio.attribution.affine import bias_shares
        from pda_studio.figures import draw_bias_shares

        assert inputs.subject is not None, "it is what the study needs"
        subject = inputs.subject()
        classifier = subject.classifier
        name = subject.target_name
        shares = bias_shares(subject.scored, subject.view, subject.index)
        deeper = shares[1:-1] or shares  # at the last one, the logit itself, there is none
        least = min(deeper, key=lambda one: one[1])
        result = StudyResult(
            sentence=f"Seen from the {shares[0][0]}, the bias is {100 * shares[0][1]:.0f} % of the"
            f" logit of {name}, which no map of pixels can show; deeper it is least at {least[0]}"
            f" ({100 * least[1]:.0f} %).",
            table=Table(
                [Column("layer", "layer"), Column("share", "|bias| / |logit|", "correlation")],
                shares,
            ),
            draw=lambda: draw_bias_shares(
                shares, f"{classifier.name}: {name}", inputs.subject_name
            ),
            about={
                "classifier": classifier.name,
                "weights": classifier.weights,
                "fingerprint": classifier.fingerprint,
                "target": name,
                "image": inputs.subject_name,
            },
        )
        yield StudyProgress(1, 1, "bias shares", result)

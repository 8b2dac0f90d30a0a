"""All ten digits by original and efficient PDA, by a trained network and by untrained ones.

Zhou & Kainz, Efficient image evidence analysis, Fig. 13: windows of 4×4 pixels, marginal samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.experiments.random_weights import layers_with_weights, randomised
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.metrics.similarity import Similarity, similarity
from pda_studio.results import EvidenceMap, Subject

TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True, eq=False)
class DigitMaps:
    """The maps of one digit.

    Attributes
    ----------
    digit, image : str
        The class that is explained, and the image's name.
    maps : dict
        Of each network, one of each method.
    """

    digit: str
    image: str
    maps: dict[str, tuple[EvidenceMap, ...]]

    def between_methods(self, network: str) -> Similarity:
        """How alike both methods' maps of a network are."""
        one, other, *_ = self.maps[network]
        return similarity(one.evidence, other.evidence)

    def between_networks(self, method: int) -> Similarity:
        """How alike a method's maps of the trained and the untrained network are."""
        one, other = (self.maps[network][method] for network in (TRAINED, UNTRAINED))
        return similarity(one.evidence, other.evidence)


@dataclass(frozen=True, eq=False)
class Digits:
    """What has been found so far.

    Attributes
    ----------
    methods : sequence of str
        Their names.
    each : tuple of DigitMaps
        Of each digit that was found.
    missing : tuple of str
        Classes that no image of the folder was predicted as.
    """

    methods: Sequence[str]
    each: tuple[DigitMaps, ...] = ()
    missing: tuple[str, ...] = ()


def digits_over_classes(
    classifier: Classifier,
    images: Sequence[SubjectInput],
    methods: Sequence[PredictionDifference],
    *,
    seed: int = 0,
) -> Iterator[tuple[MapStep, Digits]]:
    """Explain the first image of every class by a trained and an untrained network.

    Parameters
    ----------
    classifier : Classifier
        The trained one.
    images : sequence of SubjectInput
        They are gone through until each class was predicted once.
    methods : sequence of PredictionDifference
        Original and efficient PDA.
    seed : int
        Of the untrained network's weights.

    Yields
    ------
    MapStep, Digits
        After each step of each map, what has been found so far.
    """
    names = classifier.class_names
    chosen: dict[int, tuple[str, Subject]] = {}
    work = MapWork(methods, 2 * len(names))
    found = Digits(work.names)
    for image in images:
        subject = image.load()
        likeliest = int(np.argmax(subject.predictions))
        if likeliest not in chosen:
            chosen[likeliest] = image.name, subject.about(likeliest)
            yield work.now(f"digits: {len(chosen)} of {len(names)}"), found
        if len(chosen) == len(names):
            break
    missing = [name for index, name in enumerate(names) if index not in chosen]
    found = replace(found, missing=tuple(missing))
    for _ in range(2 * len(missing)):
        for place in range(len(methods)):
            yield work.left_out(place), found
    layers = layers_with_weights(classifier)
    untrained = randomised(classifier, tuple(name for group in layers for name in group), seed)
    first = True
    for index in sorted(chosen):
        name, subject = chosen[index]
        maps: dict[str, tuple[EvidenceMap, ...]] = {}
        for network, one in ((TRAINED, subject), (UNTRAINED, subject.by(untrained))):
            if first:
                yield from beside(work.trial(one), found)
                first = False
            made = []
            for place in range(len(methods)):
                doing = f"{names[index]}, {network}"
                made.append((yield from beside(work.map_of(place, one, doing), found)))
            maps[network] = tuple(made)
        found = replace(found, each=(*found.each, DigitMaps(names[index], name, maps)))
        yield work.now(names[index]), found

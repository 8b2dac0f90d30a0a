"""Whether maps change with the decision: of images that were changed so little that none sees it.

Nie's third question (Towards explaining gradient-based visualizations, 2017), as Nie, Zhang & Patel
(ICML 2018, Section 5) answer it: projected gradient descent towards the second likeliest class
(Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018), by Captum.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from captum.robust import PGD

from pda_studio.classifiers.derivable import differentiable
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep, MapWork, SubjectInput, beside
from pda_studio.images import View
from pda_studio.methods import Method
from pda_studio.metrics.similarity import Similarity, similarity
from pda_studio.results import EvidenceMap, Subject
from pda_studio.targets import ClassTarget

_STEP = 0.25  # of the radius, in each step of the descent


@dataclass(frozen=True, eq=False)
class Attack:
    """What the change of an image did to the decision.

    Attributes
    ----------
    image : str
        The image's name.
    before, after : str
        The likeliest class.
    probability : float
        That of the class before, after the change.
    largest : float
        Of the change, as a share of the range from black to white.
    """

    image: str
    before: str
    after: str
    probability: float
    largest: float

    @property
    def fooled(self) -> bool:
        """Whether the decision changed."""
        return self.before != self.after


@dataclass(frozen=True, eq=False)
class Adversarial:
    """What has been found so far.

    Attributes
    ----------
    methods : sequence of str
        Their names.
    attacks : tuple of Attack
        Of each image.
    of_class, of_decision : tuple of list of Similarity
        Of each image, of each method: of the maps before and after, of the class that was the
        likeliest before, and of the likeliest class of each.
    views : tuple of View
        The first image, before and after.
    maps : tuple of list of EvidenceMap
        Of the first image, by method: of its class before and after, and of the decision after.
    """

    methods: Sequence[str]
    attacks: tuple[Attack, ...] = ()
    of_class: tuple[list[Similarity], ...] = ()
    of_decision: tuple[list[Similarity], ...] = ()
    views: tuple[View, ...] = ()
    maps: tuple[list[EvidenceMap], ...] = ()

    def of_fooled(self) -> list[list[Similarity]]:
        """`of_decision` of the images whose decision changed."""
        pairs = zip(self.of_decision, self.attacks, strict=False)
        return [each for each, attack in pairs if attack.fooled]


def attacked(subject: Subject, other: int, radius: float, steps: int) -> View:
    """The image, changed towards another class, each number of it by at most the radius.

    Parameters
    ----------
    subject : Subject
        The image, of a classifier with classes.
    other : int
        The class that is made likelier.
    radius : float
        Largest change of a number from 0 to 1.
    steps : int
        Of the descent.

    Returns
    -------
    (H, W, C) uint8 or float32
        As the image is: of eight bits it has eight bits again.

    Raises
    ------
    UsageError
        If the network has no gradients.
    """
    classifier = subject.classifier
    pixels = classifier.preprocessing.pixels(subject.view)[None]
    descent = PGD(
        lambda given: classifier.network(classifier.prepare(given)),
        torch.nn.CrossEntropyLoss(reduction="none"),
        lower_bound=0,
        upper_bound=1,
    )
    towards = torch.tensor([other], device=classifier.device)
    with differentiable(classifier.name, "Changing an image"), catch_warnings():
        simplefilter("ignore")  # that the image needs a gradient
        given = pixels.clone()
        changed = descent.perturb(given, radius, _STEP * radius, steps, towards, targeted=True)
    values = changed[0].detach().cpu().permute(1, 2, 0).numpy()
    if values.shape[2] < subject.view.shape[2]:  # a network of one channel, shown in three
        values = values.repeat(subject.view.shape[2], axis=2)
    if subject.view.dtype != np.uint8:
        return np.ascontiguousarray(values, np.float32)
    rounded: View = np.rint(values * 255).astype(np.uint8)
    return rounded


def adversarial_maps(
    subjects: Sequence[SubjectInput], methods: Sequence[Method], *, radius: float, steps: int
) -> Iterator[tuple[MapStep, Adversarial]]:
    """Change images so that the decision changes, and compare the maps before and after.

    Parameters
    ----------
    subjects : sequence of SubjectInput
        The images, each explained for its likeliest class.
    methods : sequence of Method
        What explains.
    radius, steps : float, int
        See `attacked`.

    Yields
    ------
    MapStep, Adversarial
        After each step of each map, what has been found so far.

    Raises
    ------
    UsageError
        If there is no method, one is without evidence, or the network has no classes or gradients.
    """
    work = MapWork(methods, 3 * len(subjects))
    found = Adversarial(work.names)
    changed = []
    for image in subjects:  # all at first, as how many maps there are depends on it
        changed.append(_before_and_after(image.load(), radius, steps))
        yield work.now(f"{image.name}, changed"), found
    fooled = sum(own.target != decided.target for _, own, decided in changed)
    work = MapWork(methods, 2 * len(subjects) + fooled)
    for number, (image, three) in enumerate(zip(subjects, changed, strict=True)):
        before, own, decided = three
        if not number:
            yield from beside(work.trial(before), found)
        rows: list[list[EvidenceMap]] = []
        for place in range(len(methods)):
            maps: list[EvidenceMap] = []
            for what, one in (("before", before), ("after", own), ("the decision after", decided)):
                if len(maps) == 2 and own.target == decided.target:
                    maps.append(maps[1])
                    continue
                doing = f"{image.name}, {what}"
                maps.append((yield from beside(work.map_of(place, one, doing), found)))
            rows.append(maps)
        alike = [[similarity(m[0].evidence, one.evidence) for one in m[1:]] for m in rows]
        attack = Attack(
            image.name,
            before.target_name,
            decided.target_name,
            float(decided.predictions[_class_of(before)]),
            float(np.abs(_unit(before.view) - _unit(own.view)).max()),
        )
        found = replace(
            found,
            attacks=(*found.attacks, attack),
            of_class=(*found.of_class, [pair[0] for pair in alike]),
            of_decision=(*found.of_decision, [pair[1] for pair in alike]),
            views=found.views or (before.view, own.view),
            maps=found.maps or tuple(rows),
        )
        yield work.now(image.name), found


def _before_and_after(
    subject: Subject, radius: float, steps: int
) -> tuple[Subject, Subject, Subject]:
    """The image; the changed one, of the same class; the changed one, of its likeliest class."""
    if subject.classifier.output != "softmax" or len(subject.predictions) < 2:
        raise UsageError(
            f"{subject.classifier.name} does not decide between classes: choose another classifier."
        )
    order = np.argsort(-subject.predictions, kind="stable")
    before = subject.about(int(order[0]))
    with torch.random.fork_rng(devices=[]):
        view = attacked(before, int(order[1]), radius, steps)
    predictions = subject.classifier.predict(view)
    after = replace(
        Subject.of_view(view, subject.classifier, predictions, int(order[0])),
        limits=subject.limits,
        measured=subject.measured,
        batch=subject.batch,
    )
    return before, after, after.about(int(predictions.argmax()))


def _class_of(subject: Subject) -> int:
    assert isinstance(subject.target, ClassTarget)
    return subject.target.index


def _unit(view: View) -> View:
    return (view / 255.0 if view.dtype == np.uint8 else view).astype(np.float32)

"""The study of patches repeated: over seeds, and over the checkpoints of a training.

What is finished is kept in the cache beside the maps: a study that was stopped goes on where it
was when it is carried out again.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.neurons import layers_between
from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.errors import UsageError
from pda_studio.experiments.map_work import MapStep
from pda_studio.experiments.patches import Images, PatchScore, patch_study, training_seconds
from pda_studio.images import Image, read_image
from pda_studio.methods.neurons import Metric, Neurons
from pda_studio.store.disk import DiskCache

_FORMAT = 1  # of what is kept: raise it when it comes to mean something else
_WEIGHTS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")

Read = Callable[[Path], Image]


@dataclass(frozen=True)
class Run:
    """One of the repetitions.

    Attributes
    ----------
    name : str
        What tells it from the others.
    classifier : callable
        Loads whose neurons are ranked.
    seed : int
        Of noise and training.
    """

    name: str
    classifier: Callable[[], Classifier]
    seed: int


@dataclass(frozen=True)
class RunScores:
    """What a run found so far.

    Attributes
    ----------
    name : str
        The run's.
    accuracy : float or None
        Share of the images that the network itself takes for the class that their folder is named
        after; None where folders are named otherwise.
    scores : tuple of PatchScore
        Of each metric that is finished.
    """

    name: str
    accuracy: float | None
    scores: tuple[PatchScore, ...]


def checkpoints_in(folder: Path) -> list[Path]:
    """Files of weights in a folder, in the order of the numbers in their names.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = [path for path in folder.glob("*") if path.suffix in _WEIGHTS]
    if not found:
        raise UsageError(
            f"{folder} holds no weights: name a folder of files such as step-100.safetensors."
        )
    return sorted(found, key=lambda path: (_number(path.stem), path.name))


def runs_over_training(classifier: Classifier, folder: Path, seed: int) -> list[Run]:
    """A run for each file of a classifier's weights in a folder."""

    def load(path: Path) -> Classifier:
        loaded = load_classifier(classifier.name, path, classifier.device.type)
        return loaded.with_fit(classifier.preprocessing.fit)

    return [
        Run(path.stem, lambda path=path: load(path), seed)  # type: ignore[misc]
        for path in checkpoints_in(folder)
    ]


def overlap_at_random(classifier: Classifier, method: Neurons) -> float:
    """About the Jaccard index of neurons that are drawn at random, as many of each layer."""
    maps = FeatureMaps.of(classifier)
    chosen = layers_between(method, list(maps.convolutions))
    return expected_overlap([maps.shapes[maps.convolutions[one]][1] for one in chosen], method.top)


def expected_overlap(channels: list[int], top: int) -> float:
    """About the Jaccard index of two random choices of so many neurons of each layer."""
    chosen = [min(top, count) for count in channels]
    both = sum(some**2 / count for some, count in zip(chosen, channels, strict=True))
    return both / (2 * sum(chosen) - both)


def patch_runs(
    runs: Sequence[Run],
    images: Images,
    method: Neurons,
    metrics: Sequence[Metric],
    *,
    epochs: int = 10,
    read: Read | None = None,
) -> Iterator[tuple[MapStep, tuple[RunScores, ...]]]:
    """Carry out the study of patches several times.

    Parameters
    ----------
    runs : sequence of Run
        Of networks of the same kind.
    images : Images
        The images, and where their objects are.
    method : Neurons
        How many neurons of which layers; its metric and its seed play no part.
    metrics : sequence of str
        Which metrics choose neurons.
    epochs : int
        How long the small network learns.
    read : callable, optional
        Reads an image; without it, `read_image` does.

    Yields
    ------
    MapStep, tuple of RunScores
        After each image and each training, what is known of the runs so far.
    """
    reading = read or read_image
    count, trainings = len(images.paths), len(metrics)
    each = count + trainings
    total = each * len(runs)
    found: tuple[RunScores, ...] = ()
    of_image = of_training = None
    digest = _of_files(images)
    for place, run in enumerate(runs):
        classifier = run.classifier()
        key = _key(classifier, digest, method, metrics, epochs, run, reading(images.paths[0]))
        kept = _find(key, run.name)
        if kept is not None:
            found = (*found, kept)
            yield MapStep(each * (place + 1), total, run.name, None), found
            continue
        accuracy = _accuracy(classifier, images, reading)
        own = method.model_copy(update={"seed": run.seed})
        steps = patch_study(
            classifier, images, own, metrics=metrics, epochs=epochs, seed=run.seed, read=read
        )
        began = perf_counter()
        for done, scores in steps:
            now = perf_counter()
            if of_training is None:
                of_training = _training(classifier, images, method, epochs)
            if done == 1:
                began = perf_counter()  # what is prepared once is not paid for each image
            elif done <= count:
                of_image = (now - began) / (done - 1)
            left = None
            if of_image is not None:
                ahead = len(runs) - place - 1
                left = of_image * (max(count - done, 0) + ahead * count)
                left += of_training * (min(each - done, trainings) + ahead * trainings)
            doing = f"{scores[-1].metric}" if scores else f"image {done} of {count}"
            doing = ": ".join(filter(None, (run.name, doing)))
            partial = RunScores(run.name, accuracy, tuple(scores))
            known = (*found, partial) if scores else found
            yield MapStep(each * place + done, total, doing, left), known
        found = (*found, partial)
        _keep(key, partial)
        yield MapStep(each * (place + 1), total, run.name, left), found


def _training(classifier: Classifier, images: Images, method: Neurons, epochs: int) -> float:
    """About how long one training takes: of as many patches as neurons are chosen."""
    layers = layers_between(method, list(FeatureMaps.of(classifier).convolutions))
    patches = len(images.paths) * method.top * len(layers)
    return training_seconds(classifier, len(images.class_names), patches, epochs)


def _accuracy(classifier: Classifier, images: Images, read: Read) -> float | None:
    try:
        classes = [classifier.class_index(name) for name in images.class_names]
    except UsageError:
        return None
    right = 0
    for path, label in zip(images.paths, images.labels, strict=True):
        view = classifier.preprocessing.view(read(path))
        sized = classifier.taking((view.shape[0], view.shape[1]))
        right += int(sized.predict(view).argmax()) == classes[label]
    return right / len(images.paths)


def _of_files(images: Images) -> str:
    digest = hashlib.sha256(repr((images.labels, images.class_names)).encode())
    for path in (*images.paths, *(images.masks or ())):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _key(
    classifier: Classifier,
    files: str,
    method: Neurons,
    metrics: Sequence[Metric],
    epochs: int,
    run: Run,
    first: Image,
) -> str:
    """A hash of everything that a run depends on."""
    own = method.model_dump(mode="json", exclude={"metric", "seed"})
    view = classifier.preprocessing.view(first)  # how images are read shows in any of them
    about = [_FORMAT, classifier.fingerprint, classifier.device.type, files, own]
    about += [list(metrics), epochs, run.seed, hashlib.sha256(view.tobytes()).hexdigest()]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _find(key: str, name: str) -> RunScores | None:
    entry = DiskCache().entries.find(key)
    if entry is None:
        return None
    told = json.loads(entry.data)
    scores = tuple(PatchScore(**one) for one in told["scores"])
    return RunScores(name, told["accuracy"], scores)


def _keep(key: str, found: RunScores) -> None:
    told = {"accuracy": found.accuracy, "scores": [asdict(one) for one in found.scores]}
    DiskCache().entries.keep(key, json.dumps(told).encode())


def _number(name: str) -> float:
    numbers = re.findall(r"[0-9]{1,15}", name)
    return float(numbers[-1]) if numbers else -1.0

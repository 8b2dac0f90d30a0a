"""What is explained: the catalogue of classifiers, loading them, preprocessing, class names."""

from pda_studio.classifiers.catalogue import (
    CatalogueEntry,
    catalogue,
    choose_device,
    classifier_names,
    without_weights,
)
from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.downloads import Download
from pda_studio.classifiers.entry import is_file, load_classifier, loading, preprocessing_of
from pda_studio.classifiers.preprocessing import Frame, Preprocessing
from pda_studio.classifiers.settings import PdaSettings

__all__ = [
    "CatalogueEntry",
    "Classifier",
    "Download",
    "Frame",
    "PdaSettings",
    "Preprocessing",
    "catalogue",
    "choose_device",
    "classifier_names",
    "is_file",
    "load_classifier",
    "loading",
    "preprocessing_of",
    "without_weights",
]

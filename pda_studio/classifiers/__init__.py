"""What is explained: the catalogue of classifiers, loading them, preprocessing, class names."""

from pda_studio.classifiers.catalogue import (
    CatalogueEntry,
    catalogue,
    choose_device,
    classifier_names,
    loading,
    preprocessing_of,
    without_weights,
)
from pda_studio.classifiers.classifier import Classifier, PdaSettings
from pda_studio.classifiers.downloads import Download
from pda_studio.classifiers.preprocessing import Frame, Preprocessing
from pda_studio.classifiers.sources import load_classifier

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
    "load_classifier",
    "loading",
    "preprocessing_of",
    "without_weights",
]

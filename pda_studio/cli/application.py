"""The verbs put together. What a verb does is imported when it is carried out."""

import inspect
from collections.abc import Callable

from cyclopts import App, Group, Parameter

from pda_studio import __version__
from pda_studio.cli.batch import batch
from pda_studio.cli.cache import cache
from pda_studio.cli.combine import combine
from pda_studio.cli.explain import DEFAULT_METHOD, explain
from pda_studio.cli.figure import figure
from pda_studio.cli.listings import classifiers, layers, methods
from pda_studio.cli.neurons import neurons
from pda_studio.cli.parameters import named_on, with_method_parameters
from pda_studio.cli.predict import predict
from pda_studio.cli.report import report
from pda_studio.cli.statistics import fit_statistics
from pda_studio.cli.study import study_app, study_named_for, study_verb
from pda_studio.cli.trust import trust
from pda_studio.cli.window import screenshot, window

VERBS: dict[str, Callable[..., int]] = {
    "explain": explain,
    "batch": batch,
    "combine": combine,
    "predict": predict,
    "figure": figure,
    "report": report,
    "neurons": neurons,
    "methods": methods,
    "classifiers": classifiers,
    "layers": layers,
    "fit-statistics": fit_statistics,
    "screenshot": screenshot,
    "trust": trust,
    "cache": cache,
}
_ABOUT = (
    "Show which pixels of an image speak for (red) and against (blue) the decision of an image"
    " classifier. Without a verb, open the window."
)
_HELP = ["--help", "-h"]
_STUDIES = {
    "study": "Carry out a study: an experiment with a table, a figure and a sentence.",
    "bench": "Study the speed of each forward on this computer.",
    "patches": "Study what the image patches of important neurons are worth.",
    "bias-shares": "Study how much of a logit is bias, from layer to layer.",
}
"""Verbs that are made from the registry of studies, and what is said of them before."""

NAMES = (*VERBS, *_STUDIES)


def application(words: list[str]) -> App:
    """Make the application for a command line.

    The parameters of methods are read only if a verb on the line takes any, and only those of the
    method that the line names.
    """
    app = App(
        name="pda-studio",
        help=_ABOUT,
        help_format="plaintext",
        help_epilogue="--debug, anywhere on the line, shows where something went wrong.",
        version=f"pda-studio {__version__}",
        version_flags=["--version"],
        help_flags=_HELP,
        default_parameter=Parameter(negative=""),
        suppress_keyboard_interrupt=False,  # Ctrl+C has a sentence of ours
        usage="Usage: pda-studio [FILE] [OPTIONS]\n       pda-studio VERB ... [OPTIONS]",
    )
    app["--help"].group = app["--version"].group = Group("Options", sort_key=1)
    app.default(window)
    for name, verb in VERBS.items():
        if name in words and "parameters" in inspect.signature(verb).parameters:
            alone = named_on(words, "--method") is not None and bool(set(_HELP) & set(words))
            verb = with_method_parameters(verb, _method_of(verb, words), alone=alone)
        app.command(verb, name=name)
    for name, summary in _STUDIES.items():
        if name not in words:
            app.command(App(name=name, help=summary))
        elif name == "study":
            app.command(study_app())
        else:
            app.command(study_verb(study_named_for(name)), name=name)
    return app


def _method_of(verb: Callable[..., int], words: list[str]) -> str | None:
    """The method whose parameters a verb takes here; None where only the verb's help is wanted."""
    if verb is neurons:
        return "neurons"
    if (named := named_on(words, "--method")) is not None:
        return named
    return None if set(_HELP) & set(words) else DEFAULT_METHOD

"""The verbs put together, and cyclopts' complaints about a command line in our words."""

import difflib
import inspect
from collections.abc import Callable

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.exceptions import MissingArgumentError, UnusedCliTokensError

from pda_studio import __version__
from pda_studio.cli import neurons, patches, verbs
from pda_studio.cli.bench import bench
from pda_studio.cli.figure import figure
from pda_studio.cli.parameters import with_method_parameters
from pda_studio.errors import UsageError

_VERBS: dict[str, Callable[..., int]] = {
    "explain": verbs.explain,
    "combine": verbs.combine,
    "predict": verbs.predict,
    "figure": figure,
    "neurons": neurons.neurons,
    "patches": patches.patches,
    "methods": verbs.methods,
    "classifiers": verbs.classifiers,
    "layers": verbs.layers,
    "bias-shares": verbs.bias_shares,
    "fit-statistics": verbs.fit_statistics,
    "screenshot": verbs.screenshot,
    "cache": verbs.cache,
    "bench": bench,
}
_ABOUT = (
    "Show which pixels of an image speak for (red) and against (blue) the decision of an image"
    " classifier. Without a verb, open the window."
)


def application(words: list[str]) -> App:
    """Make the application for a command line.

    The methods are asked for their parameters only if a verb on the line takes any: that imports
    PyTorch, which takes seconds.
    """
    app = App(
        name="pda-studio",
        help=_ABOUT,
        help_format="plaintext",
        help_epilogue="--debug, anywhere on the line, shows where something went wrong.",
        version=f"pda-studio {__version__}",
        version_flags=["--version"],
        help_flags=["--help", "-h"],
        default_parameter=Parameter(negative=""),
        suppress_keyboard_interrupt=False,  # Ctrl+C is told in our words
        usage="Usage: pda-studio [IMAGE] [OPTIONS]\n       pda-studio VERB ... [OPTIONS]",
    )
    app["--help"].group = app["--version"].group = Group("Options", sort_key=1)
    app.default(verbs.window)
    for name, verb in _VERBS.items():
        takes_parameters = "parameters" in inspect.signature(verb).parameters
        needed = takes_parameters and name in words
        app.command(with_method_parameters(verb) if needed else verb, name=name)
    return app


def sentence(error: CycloptsError) -> UsageError:
    """Say what is wrong with a command line in one sentence."""
    if isinstance(error, UnusedCliTokensError):
        surplus = (error.unused_tokens or [""])[0]
        first = (error.root_input_tokens or [""])[0]
        near = difflib.get_close_matches(first, _VERBS, n=1)
        if near and first not in _VERBS:
            return UsageError(f"There is no verb “{first}”: did you mean {near[0]}?")
        return UsageError(f"“{surplus}” is one argument too many: see pda-studio --help.")
    if isinstance(error, MissingArgumentError) and error.argument and not error.argument.tokens:
        verb = " ".join(error.command_chain or [])
        if verb and not error.keyword:
            return UsageError(f"{verb} needs {error.argument.name}: see pda-studio {verb} --help.")
    return UsageError(str(error) or type(error).__name__)

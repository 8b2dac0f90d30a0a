"""Every method and every part of prediction difference analysis, as arguments of `explain`.

What a map is made of is named in full, as far as it could be chosen by measuring: a case gives the
same map wherever it runs, but for the rounding of the processor.
"""

from collections.abc import Iterator

INFILLS = (
    "conditional-samples",
    "conditional-mean",
    "conditional-empirical-mean",
    "marginal-samples",
    "marginal-mean",
    "marginal-empirical-mean",
    "grey",
    "blur",
    "inpaint-telea",
    "inpaint-navier-stokes",
)
PDA = ("efficient-pda", "original-pda", "sampled-pda", "simplified-pda", "occlusion")
METRICS = (
    "activation-output-correlation",
    "activation-precision",
    "activation-matrix-sum",
    "activation-matrix-variance",
    "weight-matrix-sum",
    "weight-matrix-variance",
)
COMPOSITES = (
    "epsilon-plus",
    "epsilon-plus-flat",
    "epsilon-gamma-box",
    "epsilon-alpha2-beta1",
    "epsilon-alpha2-beta1-flat",
)
EXACT = "--forward full --precision float32"


def prediction_differences(
    windows: str, layer: str, colours: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Each method, infill, forward and difference once, over these windows."""
    few = f"{windows} --samples 3 --seed 5"
    for method in PDA:
        forward = "--precision float32" if method == "simplified-pda" else EXACT
        yield method, f"--method {method} {few} --colour {colours[-1]} {forward}"
    for infill in INFILLS:
        gaussian = infill.partition("-")[0] in ("conditional", "marginal")
        for colour in colours if gaussian else colours[:1]:
            yield f"{infill}, {colour}", f"{few} --infill {infill} --colour {colour} {EXACT}"
    few += f" --colour {colours[-1]}"
    for difference in ("probability", "logit"):
        for infill in ("conditional-mean", "conditional-samples"):
            name = f"{difference} of {infill}"
            yield name, f"{few} --infill {infill} --difference {difference} {EXACT}"
    for forward in (
        "--forward incremental --precision float32",
        "--forward incremental --precision bfloat16-delta",
        "--forward linearised --at input --precision float32",
        f"--forward linearised --at {layer} --precision float32",
        f"--forward linearised --at {layer} --precision bfloat16-delta",
    ):
        for infill in ("conditional-mean", "conditional-samples"):
            name = f"{infill}, {forward.replace('--', '')}"
            yield name, f"{few} --infill {infill} {forward}"


def others(layer: str) -> Iterator[tuple[str, str]]:
    """Each other method, with each of its choices once."""
    for name in ("saliency", "input-x-gradient", "deconvnet", "guided-backpropagation"):
        yield name, f"--method {name}"
    for baseline in ("mean", "black", "white"):
        name = f"integrated-gradients, {baseline}"
        yield name, f"--method integrated-gradients --points 6 --baseline {baseline}"
    for base in ("gradient", "saliency", "input-x-gradient", "guided-backpropagation", "deconvnet"):
        yield f"smooth-grad, {base}", f"--method smooth-grad --samples 3 --base {base}"
    for at in ("auto", layer):
        for sign in ("both", "positive"):
            yield f"grad-cam, {at}, {sign}", f"--method grad-cam --at {at} --sign {sign}"
        yield f"guided-grad-cam, {at}", f"--method guided-grad-cam --at {at}"
        yield f"hires-cam, {at}", f"--method hires-cam --at {at}"
        yield f"layer-cam, {at}", f"--method layer-cam --at {at}"
    for bias in ("absorbs", "ignored"):
        yield f"lrp-epsilon, {bias}", f"--method lrp-epsilon --bias {bias}"
        yield f"lrp-alpha2-beta1, {bias}", f"--method lrp-alpha2-beta1 --bias {bias}"
    yield "lrp-epsilon, shared", "--method lrp-epsilon --bias shared"
    yield "lrp-alpha2-beta1, shared", "--method lrp-alpha2-beta1 --bias shared"
    for composite in COMPOSITES:
        yield f"lrp-composite, {composite}", f"--method lrp-composite --composite {composite}"
    yield "deep-taylor", "--method deep-taylor"
    for spread in ("bilinear", "nearest"):
        yield f"piecewise-affine, {spread}", f"--method piecewise-affine --spread {spread}"
    for score in ("probability", "logit"):
        yield f"rise, {score}", f"--method rise --masks 20 --cells 5 --score {score} --seed 3"
    few = "--samples 40 --cells 4 --seed 3"
    for name in ("lime", "kernel-shap"):
        yield name, f"--method {name} {few}"
        slic = f"{few} --segments superpixels --superpixels 20"
        yield f"{name}, superpixels", f"--method {name} {slic}"
    for baseline in ("mean", "white"):
        yield f"deep-lift, {baseline}", f"--method deep-lift --baseline {baseline}"
    yield "consensus", "--method consensus --across 4 --rounds 2 --seed 2"
    for metric in METRICS:
        name = f"neurons, {metric}"
        yield name, f"--method neurons --top 2 --inputs 4 --seed 1 --metric {metric}"
    yield "activation-maximisation", "--method activation-maximisation --climb 4 --seed 1"


def digits() -> dict[str, str]:
    """Arguments by name for the digit classifier."""
    windows = "--window 5 --outer 11 --stride 4"
    sizes = f"--smallest 4 --largest 12 --sizes 2 --overlap 1 {EXACT}"
    small = f"--window 4 --stride 4 --infill marginal-mean {EXACT}"
    return {
        **dict(prediction_differences(windows, "conv2", ("joint", "independent"))),
        "multiscale-pda": f"--method multiscale-pda {sizes}",
        **dict(others("conv2")),
        "through a generator": "--method activation-maximisation --through generator --climb 4",
        "contrast": f"--target 7 --against 9 {small}",
        "contrast by relevance": "--target 7 --against 9 --method lrp-epsilon --bias absorbs",
        "unit": f"--layer conv2 --unit 12,3,5 {small}",
        "mean of a map": "--layer conv2 --unit 12 --method integrated-gradients --points 6",
        "another class": f"--target 2 {small}",
    }


def squeezenet() -> dict[str, str]:
    """Arguments by name for squeezenet1_1 with weights that were learnt."""
    windows = "--window 32 --outer 36 --stride 32"
    layer = "features.9"
    joint = "--window 12 --outer 15 --stride 12 --colour joint"
    sizes = f"--smallest 40 --largest 60 --sizes 2 --overlap 1 {EXACT}"
    return {
        **dict(prediction_differences(windows, layer, ("independent",))),
        "joint": f"{joint} --infill conditional-mean {EXACT}",
        "multiscale-pda": f"--method multiscale-pda {sizes} --infill grey",
        **dict(others(layer)),
        "contrast": f"--target 92 --against 95 {windows} --infill grey {EXACT}",
        "unit": f"--layer {layer} --unit 12,3,5 {windows} --infill grey {EXACT}",
    }

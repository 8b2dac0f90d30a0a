"""Methods as declarations, and their work in steps."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.conftest import LANGUR, Open
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.methods import METHODS, method_named, run
from pda_studio.methods.prediction_difference import PredictionDifference
from pda_studio.results import EvidenceMap, Subject
from pda_studio.targets import ClassTarget

PDA = ["efficient-pda", "original-pda", "sampled-pda", "simplified-pda", "occlusion"]

Digit = Callable[[int], NDArray[np.uint8]]


def test_registry_holds_the_papers_methods() -> None:
    assert set(PDA) <= set(METHODS)
    assert [name for name in METHODS if name in PDA] == PDA
    for name in PDA:
        method = method_named(name)
        assert issubclass(method, PredictionDifference)
        assert method.name == name
        assert method.title
        assert method.summary.endswith(".")
        assert method.citation
    with pytest.raises(UsageError, match="no method “pda”"):
        method_named("pda")


@pytest.mark.parametrize(
    ("name", "infill", "forward", "difference"),
    [
        ("original-pda", "conditional-samples", "auto", "log-odds"),
        ("efficient-pda", "conditional-mean", "auto", "log-odds"),
        ("sampled-pda", "conditional-empirical-mean", "auto", "log-odds"),
        ("simplified-pda", "conditional-mean", "linearised", "probability"),
        ("occlusion", "grey", "auto", "probability"),
    ],
)
def test_names_stand_for_the_parts_of_the_papers(
    name: str, infill: str, forward: str, difference: str
) -> None:
    made = method_named(name).create()
    values = made.model_dump()
    assert (values["infill"], values["forward"], values["difference"]) == (
        infill, forward, difference,
    )  # fmt: skip
    assert (values["window"], values["outer"], values["stride"]) == (10, 18, 1)
    assert (values["samples"], values["colour"]) == (10, "joint")


@pytest.mark.parametrize("name", PDA)
def test_parameters_declare_bounds_that_create_keeps(name: str) -> None:
    method = method_named(name)
    parameters = {p.name: p for p in method.parameters()}
    assert list(parameters) == list(method.model_fields)
    for p in parameters.values():
        assert p.label
        assert p.help.endswith(".")
        if p.kind == "integer":
            assert p.minimum is not None
            assert p.maximum is not None
            assert isinstance(p.default, int)
            assert p.minimum <= p.default <= p.maximum
            assert p.step == 1
            for value in (int(p.minimum) - 1, int(p.maximum) + 1):
                with pytest.raises(UsageError, match=f"{p.name} must be a whole number from"):
                    method.create(None, **{p.name: value})
        if p.kind == "choice":
            assert p.default in p.choices
            with pytest.raises(UsageError, match=f"{p.name} must be one of {p.choices[0]}"):
                method.create(None, **{p.name: "purple"})
    assert parameters["window"].unit == "pixels"
    # At the bounds themselves the method is made.
    method.create(None, window=1, outer=2, samples=1, seed=0)
    method.create(None, window=63, outer=64, stride=63, samples=1000, seed=2**32 - 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stride": 11}, "stride of 11 leaves gaps between windows of 10"),
        ({"outer": 10}, "at least 11"),
        ({"window": "ten"}, "window must be a whole number from 1 to 128, not 'ten'"),
        ({"window": 2.5}, "window must be a whole number"),
        ({"walls": 3}, "no parameter “walls”; it has window"),
    ],
)
def test_bad_values_are_told_in_a_sentence(values: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        method_named("efficient-pda").create(None, **values)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_inactive_parameters_do_not_refuse() -> None:
    occlusion = method_named("occlusion").create(None, window=30, outer=18)
    unused = {"outer", "samples", "colour", "statistics", "reference", "seed", "at", "tolerance"}
    assert unused == occlusion.inactive()
    assert "samples" in method_named("efficient-pda").create().inactive()
    assert "samples" not in method_named("original-pda").create().inactive()


@pytest.mark.parametrize(
    ("name", "infill"),
    [
        ("efficient-pda", "marginal-mean"),
        ("original-pda", "marginal-samples"),
        ("sampled-pda", "marginal-empirical-mean"),
        ("simplified-pda", "marginal-mean"),
        ("occlusion", "grey"),
    ],
)
def test_digits_get_what_suits_them(name: str, infill: str, digits: Classifier) -> None:
    made = method_named(name).create(digits).model_dump()
    assert (made["window"], made["outer"], made["infill"]) == (4, 12, infill)
    chosen = method_named(name).create(digits, window=6, infill="conditional-mean").model_dump()
    assert (chosen["window"], chosen["outer"], chosen["infill"]) == (6, 12, "conditional-mean")


def test_cost_counts_the_forward_passes(digits: Classifier, digit_image: Digit) -> None:
    image = digit_image(2)
    for name, options, wanted in (
        ("efficient-pda", {"stride": 4}, 49),
        ("original-pda", {"stride": 4, "samples": 3}, 147),
        ("simplified-pda", {"stride": 4}, 1),
        ("occlusion", {"stride": 2}, 169),
    ):
        options = options if name == "simplified-pda" else {**options, "forward": "full"}
        method = method_named(name).create(digits, **options)
        subject = Subject.of(image, digits, batch=1)
        assert method.cost(subject) == wanted
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        handle = digits.network.register_forward_hook(count)
        run(method.steps(subject))
        handle.remove()
        assert calls == wanted + (wanted > 1)  # and one for the unmodified image


@pytest.mark.parametrize("name", PDA)
def test_maps_do_not_depend_on_the_batch(
    name: str, small_squeezenet: Classifier, image: Open
) -> None:
    image = np.asarray(image(LANGUR))
    options = {"window": 10, "outer": 14, "stride": 8, "samples": 3}
    whole: EvidenceMap | None = None
    for batch in (1, 3, 8, None):
        small_squeezenet.batch_sizes.clear()
        found = explain(image, small_squeezenet, name, batch=batch, **options)
        assert found.limit > 1e-4
        whole = whole or found
        span = float(np.ptp(whole.evidence))
        assert np.abs(found.evidence - whole.evidence).max() <= 1e-5 * span
        if whole.standard_error is not None:
            assert found.standard_error is not None
            assert np.abs(found.standard_error - whole.standard_error).max() <= 1e-5 * span


def test_a_fixed_batch_is_not_taken_for_the_fastest(digits: Classifier, digit_image: Digit) -> None:
    digits.batch_sizes.clear()
    explain(digit_image(5), digits, stride=4, batch=1)
    assert not digits.batch_sizes


@pytest.mark.parametrize("name", PDA)
def test_every_step_shows_the_whole_image(
    name: str, digits: Classifier, digit_image: Digit
) -> None:
    subject = Subject.of(digit_image(8), digits, batch=2)
    method = method_named(name).create(digits, samples=2, stride=2)
    shown = []
    done_before = 0
    for i, progress in enumerate(method.steps(subject)):
        assert progress.done >= done_before
        assert progress.total == 169
        done_before = progress.done
        if i % 15 == 0 and not progress.stage:
            shown.append((progress.done, progress.evidence()))
    last = progress.evidence()
    assert done_before == 169
    assert last.complete
    assert last.covered is None
    assert last.scores is not None
    first_done, first = shown[0]
    assert name == "simplified-pda" or (first_done < 169 and not first.complete)
    for done, partial in shown:
        assert partial.evidence.shape == (28, 28)
        assert partial.evidence.dtype == np.float32
        assert np.isfinite(partial.evidence).all()
        if partial.standard_error is not None:
            assert np.isfinite(partial.standard_error).all()
            assert (partial.standard_error >= 0).all()
        if done < 169:
            assert partial.scores is None
            assert partial.covered is not None
            assert partial.covered.sum() > 0
            # Pixels without evidence of their own show that of a window that has some.
            own = np.unique(partial.evidence[partial.covered])
            others = partial.evidence[~partial.covered]
            assert ((others >= own.min() - 1e-4) & (others <= own.max() + 1e-4)).all()
    assert np.isfinite(last.evidence).all()
    with pytest.raises(ValueError, match="read-only"):
        last.evidence[0, 0] = 1


def test_partial_maps_do_not_change_afterwards(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(8), digits, batch=4)
    steps = method_named("efficient-pda").create(digits).steps(subject)
    partial = next(step for step in steps if not step.stage).evidence()
    copy = partial.evidence.copy()
    finished = run(steps)
    np.testing.assert_array_equal(partial.evidence, copy)
    assert not np.array_equal(finished.evidence, copy)


def test_first_pass_resembles_the_finished_map(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(8), digits, batch=1)
    steps = method_named("efficient-pda").create(digits).steps(subject)
    progress = next(step for step in steps if step.done >= 49)  # every fourth row and column
    coarse = progress.evidence()
    fine = run(steps)
    assert coarse.covered is not None
    assert coarse.covered.mean() > 0.9
    assert np.corrcoef(coarse.evidence.ravel(), fine.evidence.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("name", PDA)
def test_modes_of_torch_do_not_leak_out(name: str, digits: Classifier, digit_image: Digit) -> None:
    def untouched() -> bool:
        return not torch.is_inference_mode_enabled() and torch.is_grad_enabled()

    subject = Subject.of(digit_image(1), digits, batch=2)
    steps = method_named(name).create(digits, stride=4, samples=2).steps(subject)
    progress = next(steps)
    assert untouched()
    next(steps, None)
    assert untouched()
    progress.evidence()
    assert untouched()
    steps.close()  # type: ignore[attr-defined]
    assert untouched()
    with pytest.raises(StopIteration):
        next(steps)
    # Closed midway, the next run is whole again.
    again = explain(subject.view, digits, name, stride=4, samples=2, batch=2)
    assert again.complete


@pytest.mark.parametrize("name", PDA)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_switched_gradients_off(
    name: str, mode: Callable[[], torch.no_grad], digits: Classifier, digit_image: Digit
) -> None:
    image = digit_image(1)
    wanted = explain(image, digits, name, stride=4, samples=2, batch=4)
    with mode():
        found = explain(image, digits, name, stride=4, samples=2, batch=4)
    np.testing.assert_allclose(found.evidence, wanted.evidence, atol=1e-6 * wanted.limit)


def test_map_tells_how_it_was_made(digits: Classifier, digit_image: Digit) -> None:
    found = explain(digit_image(7), digits, target="1", stride=4, difference="logit")
    assert (found.target, found.target_name) == (ClassTarget(1), "1")
    assert (found.method, found.unit, found.classifier) == ("efficient-pda", "logit", "digits")
    assert found.parameters["stride"] == 4
    assert found.probabilities.argmax() == 7
    assert found.seconds > 0
    assert found.fingerprint == digits.fingerprint
    assert found.standard_error is None


def test_previews_are_rougher_and_linearised(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(3), digits)
    preview = method_named("original-pda").create(digits, stride=2).preview(subject)
    assert isinstance(preview, METHODS["original-pda"])
    assert (preview.infill, preview.stride) == ("marginal-mean", 4)
    assert run(preview.steps(subject)).forward.startswith("linearised at ")
    sampled = method_named("sampled-pda").create().preview(subject)
    assert (sampled.infill, sampled.stride, sampled.at) == ("conditional-mean", 8, "auto")
    blurred = method_named("occlusion").create(infill="blur", window=20, outer=21, stride=2)
    assert (blurred.preview(subject).infill, blurred.preview(subject).stride) == ("blur", 8)


def test_what_is_quick_anyway_has_no_preview(digits: Classifier, digit_image: Digit) -> None:
    subject = Subject.of(digit_image(3), digits)
    for name, values in (
        ("simplified-pda", {}),
        ("efficient-pda", {"forward": "linearised"}),
        ("efficient-pda", {"stride": 8}),
        ("occlusion", {"window": 4, "stride": 4}),
    ):
        assert method_named(name).create(**values).preview(subject) is None
    assert method_named("original-pda").create(stride=8).preview(subject) is not None


class Branching(torch.nn.Module):
    """What torch.fx cannot follow: its way depends on the image."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.inner(x) if x.sum() > -1e9 else x
        return result


def test_a_network_that_cannot_be_followed_has_no_preview(
    digits: Classifier, digit_image: Digit
) -> None:
    odd = replace(digits, network=Branching(digits.network), batch_sizes={})
    method = method_named("efficient-pda").create()
    assert method.preview(Subject.of(digit_image(3), digits)) is not None
    assert method.preview(Subject.of(digit_image(3), odd)) is None


def test_unfinished_maps_tell_how_much_of_each_pixel_is_scored(
    digits: Classifier, digit_image: Digit
) -> None:
    subject = Subject.of(digit_image(3), digits)
    method = method_named("efficient-pda").create(digits)
    first = None
    for step in method.steps(subject):
        first = first or step.evidence()
    assert first is not None
    assert first.share.shape == (28, 28)
    assert 0 == first.share.min() < first.share.max() <= 1
    np.testing.assert_array_equal(first.share > 0, first.covered)
    assert step.evidence().share is None

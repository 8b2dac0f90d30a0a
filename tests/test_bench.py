"""`bench`: all forwards are measured, on what is measured, and how it is told. Never how fast."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

import pytest
import torch
from torch import nn

from pda_studio.classifiers import Classifier, load_classifier
from pda_studio.cli import main, tables
from pda_studio.errors import UsageError
from pda_studio.experiments import speed
from pda_studio.experiments.forwards import Benchmark, CaptumForward
from pda_studio.experiments.memory import peak_memory
from pda_studio.experiments.speed import BATCHES, FORWARDS, LEVELLED, Row, compare
from pda_studio.studies import ClassifierInput, Column, Inputs
from pda_studio.studies.speed import Speed


class HardToFollow(nn.Module):
    """What it computes depends on the values."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images)
        return logits if logits.sum() > -1e9 else logits * 2


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turns of hundredths of seconds, on one thread."""
    monkeypatch.setattr(speed, "_TRIAL", 0.01)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def digits() -> Classifier:
    return load_classifier("digits", device="cpu")


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(
        speed, "compare", lambda *given: compare(*given[:3], rounds=given[3], seconds=0.01)
    )


def test_every_forward_is_measured(digits, cache_folder):
    steps = list(compare(digits, window=4, rounds=3, seconds=0.01))
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {len(steps)}
    assert not any(step.rows for step in steps[:-1])
    rows = {row.name: row for row in steps[-1].rows}
    assert tuple(rows) == FORWARDS
    for row in rows.values():
        assert not row.reason
        assert len(row.rounds) == (0 if row.name in LEVELLED else 3)
        for number in (row.windows_per_second, row.ratio, row.map_seconds, *row.rounds):
            assert isfinite(number)
            assert number > 0
        assert row.map_seconds == pytest.approx(25 * 25 / row.windows_per_second)
        assert row.error is None or row.error < 1.5 * LEVELLED.get(row.name, 0.1)
        assert row.peak_memory is None or 0 <= row.peak_memory < 10_000
    assert rows["full"].ratio == 1
    sizes = [f"batch {size}" for size in BATCHES]
    assert rows["full"].setting in sizes
    assert rows["captum-occlusion"].setting in sizes
    assert 0 < rows["incremental-float32"].error < 5e-4
    assert 5e-4 < rows["incremental-bfloat16-delta"].error < 0.1
    assert rows["linearised"].error is None
    assert 0.5 < rows["linearised"].rank_correlation <= 1
    assert rows["full"].error is rows["captum-occlusion"].error is None
    assert not cache_folder.parent.joinpath("layers.json").exists()  # noise decides for no one


def test_a_network_that_cannot_be_followed_says_why(digits):
    hard = replace(digits, network=HardToFollow(digits.network).eval(), batch_sizes={})
    *_, last = compare(hard, window=4, rounds=1, seconds=0.01)
    rows = {row.name: row for row in last.rows}
    assert tuple(rows) == FORWARDS
    for name in FORWARDS:
        followed = name not in ("full", "captum-occlusion")
        assert ("cannot be followed" in rows[name].reason) == followed
        assert (rows[name].windows_per_second is None) == followed


def test_why_a_forward_cannot_be_used_is_told_once(digits, brief):
    hard = replace(digits, network=HardToFollow(digits.network).eval(), batch_sizes={})
    inputs = Inputs([ClassifierInput("digits", lambda: hard)])
    *_, last = Speed(window=4, rounds=1).steps(inputs)
    table = tables.study(last.result)
    assert table.count("cannot be followed") == 1
    assert max(map(len, table.splitlines())) <= 100
    assert [row["ratio"] is None for row in last.result.table.records()] == [
        row.name not in ("full", "captum-occlusion") for row in map(Row, FORWARDS)
    ]


def test_captum_is_counted_by_what_goes_through_the_network(digits, monkeypatch):
    benchmark = Benchmark.of(digits, window=4, stride=4)
    sizes = []
    logits = Classifier.logits

    def counted(self: Classifier, prepared: torch.Tensor) -> torch.Tensor:
        sizes.append(len(prepared))
        return logits(self, prepared)

    monkeypatch.setattr(Classifier, "logits", counted)
    windows, seconds = CaptumForward(benchmark, 16)._attribute(60)
    assert windows == len(benchmark.grid) == 49
    assert sizes[-5:] == [1, 16, 16, 16, 1]
    assert 0 < seconds < 60
    windows, _ = CaptumForward(benchmark, 16)._attribute(0)
    assert windows == 16  # broken off after the first batch


@pytest.mark.parametrize(("window", "stride"), [(29, 1), (4, 5)])
def test_windows_that_do_not_fit_are_refused_at_once(digits, window, stride):
    with pytest.raises(UsageError):
        next(compare(digits, window, stride))


def test_memory_is_measured_where_the_system_tells():
    def work() -> None:
        torch.ones(64, 2**20, dtype=torch.uint8)

    taken = peak_memory(work, torch.device("cpu"))
    assert taken is None or 60 < taken < 200


def test_the_table_and_the_json_hold_the_same(brief, capsys):
    line = ["bench", "--classifier", "digits", "--window", "4", "--rounds", "1", "--device", "cpu"]
    assert main(line) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"torch {torch.__version__}" in out
    assert "1 thread" in out
    assert "digits, built in: 625 windows" in out
    assert "The fastest exact forward on this computer is" in out
    names = [
        "full  ",
        "incremental, float32",
        "incremental, bfloat16-delta",
        "linearised",
        *(f"levelled, {percent} %" for percent in (10, 5, 2)),
        "Captum",
    ]
    heading = next(i for i, line in enumerate(out.splitlines()) if "windows/s" in line)
    lines = out.splitlines()[heading + 1 : heading + 1 + len(names)]
    assert all(line.startswith(name) for line, name in zip(lines, names, strict=True))
    assert max(map(len, out.splitlines())) <= 100

    assert main([*line, "--json"]) == 0
    out, _ = capsys.readouterr()
    told = json.loads(out)
    about = told["about"]
    assert about["torch_version"] == torch.__version__
    assert about["threads"] == 1
    assert about["device"] == "cpu"
    assert about["processor"]
    assert told["parameters"] == {"window": 4, "stride": 1, "rounds": 1}
    (network,) = about["networks"]
    assert (network["classifier"], network["input_size"]) == ("digits", 28)
    assert [row["name"] for row in network["rows"]] == list(FORWARDS)
    assert set(network["rows"][0]) == set(vars(Row("full")))
    assert [row["ratio"] for row in told["rows"]] == [row["ratio"] for row in network["rows"]]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--rounds", "0"], "--rounds must be a whole number from 1 to 100, not “0”"),
        (["--classifier", "digits", "resnet18", "--weights", "random"], "single --classifier"),
        (["--classifier", "digits", "nothing"], "There is no classifier “nothing”"),
        (["--classifier", "resnet18", "digits", "--window", "30"], "larger than the classifier"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_measured(capsys, words, complaint):
    assert main(["bench", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0427, "0.0427"),
        (0.044, "0.0440"),
        (4.6, "4.60"),
        (42.25, "42.2"),
        (3881.9, "3,882"),
    ],
)
def test_numbers_have_three_digits_that_count(value, text):
    assert Column("rate", "windows/s", "number").text(value) == text

"""How counts and numbers are written."""

from pda_studio.counts import counted, written


def test_numbers_have_a_true_minus_and_zero_has_none() -> None:
    assert [written(value) for value in (-0.124, -0.004, 0.0, 1.006)] == [
        "−0.12",
        "0.00",
        "0.00",
        "1.01",
    ]
    assert (written(-0.25, "g"), written(-12.3456, ".3g")) == ("−0.25", "−12.3")
    assert (counted(1, "image"), counted(2, "image")) == ("1 image", "2 images")

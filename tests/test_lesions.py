"""A grey, medical-like case from end to end, in short: `tests/lesions.py` has the long form."""

from pathlib import Path

import pytest
from lesions import maps, trained


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_strongest_evidence_lies_in_the_lesion(tmp_path: Path) -> None:
    hits = list(maps(trained(320, 6), tmp_path, 4, figures=1, stride=3))
    assert {hit.classifier for hit in hits} == {"lesions.onnx", "lesions.ckpt"}
    # A network that learnt for two seconds may err in one; by chance none would be inside.
    assert sum(hit.inside for hit in hits) >= 3
    assert (tmp_path / "000.tif.png").stat().st_size > 10_000

"""Folders as timm and transformers save a network into them, for others."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.network_files import SIZE


def timm_folder(folder: Path, **more: Any) -> torch.nn.Module:
    """A small network of timm's as timm saves it for others."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    network: torch.nn.Module = timm.create_model("test_resnet", num_classes=3).eval()
    folder.mkdir()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()},
              folder / "model.safetensors")  # fmt: skip
    config = {
        "architecture": "test_resnet",
        "num_classes": 3,
        "pretrained_cfg": {
            "input_size": [3, SIZE, SIZE], "crop_pct": 1.0, "interpolation": "bicubic",
            "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "label_names": ["x", "y", "z"],
        },
        **more,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return network


def transformers_folder(folder: Path, **more: Any) -> torch.nn.Module:
    """A small network of transformers' as it saves it."""
    made: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    names = {0: "cat", 1: "dog", 2: "cow"}
    config = made.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        image_size=SIZE, patch_size=8, id2label=names, label2id={v: k for k, v in names.items()},
    )  # fmt: skip
    network: torch.nn.Module = made.ViTForImageClassification(config).eval()
    network.classifier.weight.data.mul_(40)
    network.save_pretrained(folder)  # type: ignore[operator]
    said = {"do_normalize": True, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3],
            "do_resize": True, "size": {"height": SIZE, "width": SIZE}, "resample": 3,
            "do_rescale": True, "rescale_factor": 1 / 255, **more}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return network

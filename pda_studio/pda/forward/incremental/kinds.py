"""Kinds of operations: layers, functions and methods that mean the same."""

import operator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers import graph

POINTWISE: tuple[Any, ...] = (
    nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Tanh, nn.ELU,
    nn.LeakyReLU, nn.Mish, nn.Softplus, nn.CELU, nn.SELU, nn.LogSigmoid,
    F.hardswish, F.hardsigmoid, F.silu, F.gelu, F.elu, F.leaky_relu, F.mish,
    F.softplus, torch.sigmoid, torch.tanh, "sigmoid", "tanh", "clamp",
)  # fmt: skip
RELU: tuple[Any, ...] = (nn.ReLU, F.relu, torch.relu, "relu")
CLAMP: tuple[Any, ...] = (*RELU, nn.ReLU6, F.relu6, nn.Hardtanh, F.hardtanh)
IDENTITY: tuple[Any, ...] = (
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, F.dropout, F.dropout2d,
    "contiguous",
)  # fmt: skip
ADD: tuple[Any, ...] = (operator.add, operator.iadd, torch.add, "add")
SUBTRACT: tuple[Any, ...] = (operator.sub, torch.sub, "sub")
MULTIPLY: tuple[Any, ...] = (operator.mul, operator.imul, torch.mul, "mul")
CONCATENATE: tuple[Any, ...] = (torch.cat, torch.concat)
FLATTEN: tuple[Any, ...] = (torch.flatten, nn.Flatten, "flatten")
GLOBAL_MEAN: tuple[Any, ...] = (torch.mean, "mean")
CHANNEL_SHUFFLE: tuple[Any, ...] = (graph.CHANNEL_SHUFFLE,)

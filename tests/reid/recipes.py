"""Builders: the smallest networks and recipes that still have every part."""

from __future__ import annotations

from typing import Any

from reid.config import NetworkParams, TrainParams
from reid.model.sgfd import SGFD

TINY: dict[str, Any] = {
    "backbone": "resnet10",
    "attention_encoder": "resnet10",
    "width": 0.125,
    "attention_width": 0.125,
    "image_size": (32, 32),
}


def tiny_network(num_ids: int | None = 8, **settings: Any) -> SGFD:
    return SGFD(NetworkParams(**{**TINY, **settings}), num_ids)


def tiny_recipe(**sections: Any) -> TrainParams:
    table: dict[str, Any] = {
        "dataset": "toy",
        "pretrained": "none",
        "network": TINY,
        "sampler": {"identities": 4, "images": 2},
        "loop": {"epochs": 3, "evaluate_every": 0, "precision": "fp32"},
        "optimizer": {"lr": 1e-3},
    }
    for name, section in sections.items():
        table[name] = {**table.get(name, {}), **section} if isinstance(section, dict) else section
    return TrainParams.model_validate(table)

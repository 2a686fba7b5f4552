"""The weights that come with the package, made by ``scripts/train_street_detector.py``, ``train_demo_detector`` and
``train_demo_reid``; ``CARD.md`` beside them tells how well."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
DETECTOR = FOLDER / "demo_detector.safetensors"
"""A slim Mask R-CNN for the detector ``detectron2``; its model is ``demo_detector.yaml`` beside it."""
STREET_DETECTOR = FOLDER / "street_detector.onnx"
"""A light one-stage network for real streets, for the detector ``onnx``: no torch."""
EMBEDDER = FOLDER / "demo_reid.safetensors"
"""A small SGFD for the embedder ``sgfd``."""
EMBEDDER_ONNX = FOLDER / "demo_reid.onnx"
"""The same as ``reid export`` writes it, for the embedder ``onnx``: neither needs torch nor waits for it."""
CARD = FOLDER / "CARD.md"

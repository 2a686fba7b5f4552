"""What all tests share: where the real data lies, and how tests that want it or a GPU are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are noisy, so no deadlines; the same examples on every run, so that a red test stays red.
settings.register_profile("mtmc", deadline=None, derandomize=True)
settings.load_profile("mtmc")

SHARED = Path(os.environ.get("MTMC_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real videos and crops; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"wants real data in {SHARED} (set MTMC_SHARED)")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``gpu`` where there is none."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if wanting:
        import torch

        for item in wanting if not torch.cuda.is_available() else []:
            item.add_marker(pytest.mark.skip(reason="wants a CUDA device"))

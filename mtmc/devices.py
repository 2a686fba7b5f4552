"""Where networks run: ``auto`` is CUDA, else Apple's MPS, else the processor. One rule, which ``reid`` has too."""

from __future__ import annotations

from reid.devices import check_device, choose_device, multiplies_bfloat16

__all__ = ["check_device", "choose_device", "multiplies_bfloat16"]

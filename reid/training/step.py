"""One learning step, and all that must be kept to go on from it exactly.

Shape shorthand: B images of a batch.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reid.config import OptimizerParams, TrainParams
from reid.data.augment import erase, keep_disc, rotate
from reid.data.images import normalise
from reid.data.loader import Batch
from reid.devices import choose_precision
from reid.model.sgfd import ROTATIONS, SGFD, TrainingOutput
from reid.training.losses import Losses, sgfd_losses

State = dict[str, Any]


class Learner:
    """Network, optimizer and, where asked for, running average and loss scale.

    Args:
        model: the network, on its device.
        params: how to learn.
        world: number of processes; above 1 their gradients are averaged (torch.distributed must be up).
    """

    def __init__(self, model: SGFD, params: TrainParams, world: int = 1) -> None:
        self.model, self.params = model, params
        self.device = next(model.parameters()).device
        self.precision = choose_precision(params.loop.precision, self.device)
        if params.loop.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # in torch
        self._frozen: list[nn.Module] = []
        self._average = self._running_average() if params.loop.ema_decay else None
        if params.loop.compile:
            model.compile()
        self._parallel: nn.Module = model if world == 1 else self._distributed(world)
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(
            self._groups(), params.optimizer.lr, weight_decay=params.optimizer.weight_decay, fused=True
        )
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)

    @property
    def eval_model(self) -> SGFD:
        """The network to evaluate and save: the running average where there is one."""
        return self.model if self._average is None else cast(SGFD, self._average.module)

    def start_epoch(self, epoch: int, rate: float) -> None:
        """Learning rate of the steps to come, and what stays as it is in this epoch, counted from 0."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        until = self.params.optimizer.frozen_epochs or self.params.loop.epochs
        self._frozen = _frozen_parts(self.model, self.params.optimizer.frozen) if epoch < until else []
        for parameter in self._trained:
            parameter.requires_grad_(True)
        for part in self._frozen:
            part.requires_grad_(False)

    def losses(self, batch: Batch) -> Losses:
        """Losses of one batch, with the graph to learn from."""
        self._parallel.train()
        for part in self._frozen:
            part.eval()
        batch = batch.to(self.device)
        images = erase(normalise(batch.pixels), batch.erased)  # (B, 3, h, w)
        rotated, rotations = self._rotated(images, batch.rotations)  # (R, 3, h, h), (R,)
        with self._autocast():
            output = cast(TrainingOutput, self._parallel(self._laid_out(images), self._laid_out(rotated)))
        return sgfd_losses(output, batch.labels, rotations, self.params.loss)

    def update(self, loss: Tensor) -> None:
        """Learn from one batch's total loss."""
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # in torch
        if self.params.optimizer.clip_norm:
            self._scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self._trained, self.params.optimizer.clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update_parameters(self.model)

    def state(self) -> State:
        """Everything that learning goes on from, as torch.load(weights_only=True) reads it."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "random": torch.get_rng_state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        torch.set_rng_state(state["random"].cpu())

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters by their share of the rate."""
        shares, groups = _shares(self.model, self.params.optimizer), defaultdict[float, list[nn.Parameter]](list)
        for parameter in self._trained:
            groups[shares.get(id(parameter), 1.0)].append(parameter)
        return [{"params": parameters, "share": share} for share, parameters in groups.items()]

    def _rotated(self, images: Tensor, rotations: Tensor) -> tuple[Tensor | None, Tensor]:
        """The rotation branch's images and their quarter turns."""
        if self.model.rotation_tail is None:
            return None, rotations
        radius = self.params.augment.rotation_disc
        images = keep_disc(images, radius) if radius else images
        if self.params.augment.rotations == "one":
            return rotate(images, rotations), rotations
        every = torch.arange(ROTATIONS, device=rotations.device).repeat_interleave(len(images))
        return rotate(images.repeat(ROTATIONS, 1, 1, 1), every), every

    def _laid_out(self, images: Tensor | None) -> Tensor | None:
        layout = torch.channels_last if self.params.loop.channels_last else torch.contiguous_format
        return None if images is None else images.contiguous(memory_format=layout)

    @contextlib.contextmanager
    def _autocast(self) -> Iterator[None]:
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            yield

    def _running_average(self) -> AveragedModel:
        average = get_ema_multi_avg_fn(self.params.loop.ema_decay)  # type: ignore[no-untyped-call]  # in torch
        return AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)

    def _distributed(self, world: int) -> nn.Module:
        model: nn.Module = self.model
        if self.params.loop.sync_bn and world > 1:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]  # in torch
        return DistributedDataParallel(model, device_ids=[self.device] if self.device.type == "cuda" else None)


def _shares(model: SGFD, params: OptimizerParams) -> dict[int, float]:
    """Factor on the rate of each parameter of the backbone's parts and the attention encoder, by its id."""
    shares: dict[int, float] = {}
    tails = [tail for tail in (model.global_tail, model.geometric_tail) if tail is not None]
    for chain in [*([*model.stem, *tail] for tail in tails), [*(model.attention_encoder or ())]]:
        learned = [layer for layer in chain if list(layer.parameters())]
        for depth, layer in enumerate(reversed(learned)):
            share = params.pretrained_rate * params.layer_rate**depth
            shares |= {id(parameter): share for parameter in layer.parameters()}
    return shares


def _frozen_parts(model: SGFD, frozen: str) -> list[nn.Module]:
    """The parts of a network that an option names."""
    backbone = (model.stem, model.global_tail, model.geometric_tail, model.attention_encoder)
    parts: dict[str, tuple[nn.Module | None, ...]] = {"nothing": (), "stem": (model.stem,), "backbone": backbone}
    return [part for part in parts[frozen] if part is not None]

"""From an identity to its mesh."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from mtmc.synth.vehicles.cars import CAR_BUILDERS
from mtmc.synth.vehicles.identity import MOTORCYCLE, Vehicle
from mtmc.synth.vehicles.mesh import Mesh, MeshBuilder
from mtmc.synth.vehicles.motorcycles import build_motorcycle
from mtmc.synth.vehicles.parts import axles_m
from mtmc.synth.vehicles.trucks import build_box_truck, build_bus, build_van

__all__ = ["axles_m", "mesh_of"]

_BUILDERS: dict[str, Callable[[MeshBuilder, Vehicle], None]] = {
    **CAR_BUILDERS,
    "van": build_van,
    "box_truck": build_box_truck,
    "bus": build_bus,
    MOTORCYCLE: build_motorcycle,
}


@lru_cache(maxsize=4096)
def mesh_of(vehicle: Vehicle) -> Mesh:
    """The mesh of an identity."""
    builder = MeshBuilder()
    _BUILDERS[vehicle.body](builder, vehicle)
    return builder.build()

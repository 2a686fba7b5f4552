"""Identities that differ, twins that hardly do, meshes that keep their measures."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.synth.vehicles.bodies import mesh_of
from mtmc.synth.vehicles.identity import BODIES, MOTORCYCLE, Vehicle, random_fleet, random_vehicle, twin


def test_thousands_of_identities_differ_and_twins_hardly() -> None:
    rng = np.random.default_rng(0)
    fleet = random_fleet(rng, 2000)
    assert len({(v.paint, v.length_m, v.spokes, v.stickers) for v in fleet}) == 2000
    assert {v.body for v in fleet} == set(BODIES)
    grey = np.mean([v.paint_name in ("white", "black", "gray", "silver") for v in fleet])
    assert 0.65 < grey < 0.85  # as on real roads
    original = fleet[0]
    alike = twin(original, rng, 5000)
    assert (alike.paint, alike.body, alike.shape, alike.plate) == (
        original.paint,
        original.body,
        original.shape,
        original.plate,
    )
    assert alike.id != original.id
    assert sum(v.paint == w.paint for v, w in zip(random_fleet(rng, 200, twins=0.5), fleet, strict=False)) < 5


def test_the_fraction_of_twins_is_the_knobs() -> None:
    fleet = random_fleet(np.random.default_rng(0), 1000, twins=0.3)
    alike = 1000 - len({v.paint for v in fleet})
    assert 230 < alike < 370


@pytest.mark.parametrize("body", [*BODIES, MOTORCYCLE])
def test_meshes_face_outwards_and_keep_their_measures(body: str) -> None:
    vehicle: Vehicle = random_vehicle(np.random.default_rng(3), 1, body)
    mesh = mesh_of(vehicle)
    extent = mesh.points.max(axis=0) - mesh.points.min(axis=0)
    assert extent[0] == pytest.approx(vehicle.length_m, rel=0.03)
    assert vehicle.width_m * 0.98 < extent[1] < vehicle.width_m + 0.35  # mirrors stand out
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-6)
    assert mesh.points[:, 2].min() > -0.1
    assert ((mesh.colours >= 0) & (mesh.colours <= 1.0)).all()


def test_motorcycles_come_on_demand_and_their_twins_wear_another_helmet() -> None:
    assert MOTORCYCLE not in {v.body for v in random_fleet(np.random.default_rng(0), 500)}
    fleet = random_fleet(np.random.default_rng(0), 400, motorcycles=0.6)
    ridden = [v for v in fleet if v.body == MOTORCYCLE]
    assert 200 < len(ridden) < 280
    loads = [v.load for v in ridden if v.load is not None]
    assert len(set(loads)) == len(loads) == len(ridden)
    assert any(load.pillion for load in loads)
    assert any(load.box for load in loads)
    alike = twin(ridden[0], np.random.default_rng(1), 5000)
    assert alike.load is not None
    assert ridden[0].load is not None
    assert alike.load.rider.jacket == ridden[0].load.rider.jacket
    assert alike.load.rider.helmet != ridden[0].load.rider.helmet

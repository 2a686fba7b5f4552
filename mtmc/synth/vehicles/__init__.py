"""Vehicles: who they are and what shape they have.

``identity`` draws an identity (body, paint, size, details) and its look-alike twin; ``mesh`` collects convex faces;
``parts`` are what bodies have in common; ``cars`` and ``trucks`` build the bodies; ``bodies`` maps an identity to its
mesh; ``pose`` is where a vehicle stands at an instant.
"""

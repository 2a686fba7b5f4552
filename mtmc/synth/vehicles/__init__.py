"""Vehicles: who they are and what shape they have.

``identity`` draws an identity (body, paint, size, details) and its look-alike twin, ``riders`` who sits on a
motorcycle, both from ``colours``; ``mesh`` collects convex faces; ``parts`` are what bodies have in common; ``cars``,
``trucks`` and ``motorcycles`` build the bodies; ``bodies`` maps an identity to its mesh; ``pose`` is where a vehicle
stands at an instant.
"""

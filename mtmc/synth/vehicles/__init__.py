"""Vehicles: who they are and what shape they have."""

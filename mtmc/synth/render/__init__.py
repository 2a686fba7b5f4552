"""Pixels: what stands still, what moves, the camera's sensor."""

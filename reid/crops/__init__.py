"""Crops of vehicles from videos and boxes."""

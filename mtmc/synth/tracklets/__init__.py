"""Tracklets without pixels, exactly labelled."""

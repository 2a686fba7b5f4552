"""Multi-camera vehicle tracking: a folder of camera videos in, every vehicle's path over all cameras out."""

__version__ = "0.1.0"

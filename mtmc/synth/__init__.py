"""The synthetic city: streets, traffic and cameras from a seed, with exact truth.

In the order of the flow; each room imports only from those above it (``tests/test_import_directions.py``):

- ``vehicles/``  who a vehicle is, its shape, where it stands.
- ``traffic/``   the roads, and who drives where and when.
- ``render/``    pixels: what stands still, what moves, lens and sensor.
- ``presets``    which roads and cameras a name such as ``demo`` means.
- ``scene``      knobs (``SynthParams``) and seed to a whole ``World`` (``make_world``).
- ``tracklets/`` the same without pixels: tracklets with times, places and simulated appearance.
- ``streets/``   pictures of streets as no preset has them, to teach detectors.
- ``writers/``   to disk: videos with truth, training sets for detectors and embedders, tracklets.

World: metres, x east, y north, z up. Images: BGR uint8. Boxes here are whole pixels (left, top, right, bottom), right
and bottom exclusive, around the visible part.
"""

"""The synthetic city: streets, traffic and cameras from a seed, with exact truth.

``vehicles`` (identities) → ``mesh parts cars trucks bodies`` (their shapes) → ``render order lamps`` (their pixels);
``roads traffic`` (who drives where, when); ``scenery ground still view`` (what stands still, per camera); ``frames sensor`` (a camera's
pictures); ``scene`` (presets and knobs: ``SynthParams``, ``make_world``); ``dataset truth`` (``write_scene``), ``detectionset``
(``write_detection_set``), ``reidset`` (``write_reid_set``); ``journeys tracklets tracklet_files`` (tracklets without pixels).

World: metres, x east, y north, z up. Images: BGR uint8. Boxes here are whole pixels (left, top, right, bottom), right and bottom
exclusive, around the visible part.
"""

"""Tracklets without pixels, exactly labelled: what linking sees.

``simulated`` holds tracklets with their truth and scores a partition of them. Levels 1 to 5: ``journeys`` sends
vehicles through watched junctions, ``sampling`` makes tracklets of their passages (``simulate``). Places as the
rendered presets have them: ``observation`` finds what each camera truly sees of a world, ``tracker_noise`` what a
tracker makes of it, ``appearance`` draws the vectors, ``true_zones`` what a patient user would tell the ``zones``
linker, ``places`` puts them together (``Place``). ``sumo`` reads a simulation of a street plan of one's own. ``tracks``
gives simulated tracklets boxes, for whole runs of them.
"""

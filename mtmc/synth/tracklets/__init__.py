"""Tracklets without pixels, exactly labelled: what linking sees.

Levels 1 to 5: ``journeys`` sends vehicles through watched junctions, ``sampling`` makes tracklets of their passages
(``simulate``).
"""

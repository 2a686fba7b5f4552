"""Files: scenes, detection sets, crops for re-identification, tracklets."""

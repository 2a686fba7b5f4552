"""A data set out of videos.

boxes   where is which vehicle, by ground truth or by a tracking run?
certain which vehicles of a run are beyond doubt?
cut     which of the boxes are cut out, and into which split?
"""

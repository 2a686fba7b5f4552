"""What speaks for a pair of tracklets, given a model.

In the order of the flow:

- ``candidates``: which pairs may be linked at all? (gates in time)
- ``appearance``: how are features made comparable between cameras?
- ``sizes``: how are sizes made comparable between places and cameras?
- ``ground_overlap``: were two calibrated cameras' tracklets in one place at one time?
- ``ground_handover``: does a trajectory on the ground go on in the next view?
- ``views``: what did one camera see of one vehicle, which pairs of views may be one, and what never moves?
- ``log_odds``: how much does each kind of evidence say? (sum = log-odds of the link)
- ``belief_propagation``: how probable is each link when each tracklet has at most one follower and one predecessor?
"""

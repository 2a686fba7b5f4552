"""How the model is learned from unlabelled tracklets.

In the order of the flow:

- ``transitions``: which exit zone leads to which entry zone? (modes of the delay histogram of look-alike tracklets)
- ``first_network``: what is known to begin with? (modes, ways that somebody drew, a network of before)
- ``em``: the loop: expectation (link marginals) and maximisation in turn, gates narrowed, features whitened, clocks
  solved
- ``m_step``: which network fits the link marginals best? Narrower gates are made here too
- ``view_model``: how likely are two views of two cameras one vehicle, by the vehicles as they are so far?
- ``view_delays``: how long after a vehicle's view in one camera is its view in another due?
- ``clock_offsets``: how far is each camera's clock ahead, by the travel times of both directions?
- ``clock_steps``: did a clock change in the middle of the recording?
"""

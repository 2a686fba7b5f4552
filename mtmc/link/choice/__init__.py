"""From probabilities to vehicles.

- ``selection``: which links are made, given their probabilities?
- ``cliques``: vehicles as cliques of views, learned and solved in turn
- ``possible``: which links could be, so that whole solutions can be drawn?
"""

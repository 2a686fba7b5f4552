"""What is known of the cameras, and how it is stored; pure data and the equations that need nothing else.

In the order of the flow:

- ``entry_exit_zones``: where do vehicles enter and leave each camera's image?
- ``densities``: how is a score's log-likelihood ratio learned from weighted samples?
- ``given_ways``: what do zones and travel times that somebody drew say of a pair?
- ``zones_file``: how are they read?
- ``camera_network``: how likely is a travel time and a route? All that is learned stands here, with the limits that
  users set.
- ``topology_graph``: which transitions are direct, which pass a camera that missed the vehicle?
- ``json_io``: how is a network written to and read from network.json?
"""

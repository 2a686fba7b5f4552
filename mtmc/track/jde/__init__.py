"""Deep SORT with the JDE association, on arrays: one tracker, from its knobs to one frame.

params            every knob (how long a lost track is kept, ...), the published settings
tracker           the steps of a frame, in order; a clip from first to last
live_tracks       who is tracked, lost or new: state, features, numbers
kalman            where the live tracks should be now
frame_matching    who is still to be matched within one frame
border_turns      afterwards: one vehicle left at the border and another entered
"""

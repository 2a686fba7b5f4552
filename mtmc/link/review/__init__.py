"""What people are told and what they answer.

- ``explain``: why was a link made?
- ``warnings``: what could not be learned?
- ``consistency``: what do vehicles say against themselves?
- ``proposals``: which links are worth a look?
- ``wishes``: what follows from what somebody says who looked?
"""

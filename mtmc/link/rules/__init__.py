"""What every answer keeps to, whoever gives it.

- ``constraints``: what may never be one vehicle?
- ``outside``: does a linker of one's own keep the promise?
"""

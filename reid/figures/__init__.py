"""Pictures.

rankings    what does a query find?
attention   where does a network look?
"""

"""Linkers to compare with.

- ``plain``: pairwise assignment and complete-linkage clustering on appearance alone
- ``electricity``: the published rules of a challenge's winner
- ``zones``: zones and travel times drawn by hand
- ``rerank``: k-reciprocal re-ranking of candidate pairs, for ``zones``
"""

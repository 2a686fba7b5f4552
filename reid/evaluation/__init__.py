"""How good features are.

embed       image files or crops in, unit vectors out
vectors     vectors on disk
ranking     exact mAP and CMC in bounded memory
rerank      k-reciprocal re-ranking
protocols   image to image, image to track, random galleries: how each data set is scored
datasets    a model on a data set's test: embeds it, applies its protocols
"""

"""Image files into batches.

images    which image files are there, what are their pixels, as the network wants them?
sampler   which images stand together in a batch?
augment   how is an image changed at random, so that only the vehicle is learned?
loader    the batches of an epoch: read, augmented, gathered, the same for the same seed
"""

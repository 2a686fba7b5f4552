"""The network and its forms on disk.

attention    where in the image is the vehicle told by its geometry? (IAM, Eq. 4-6)
backbone     which layers extract features, and where are they cut?
sgfd         the whole network: branches, necks, classifiers, rotation branch
checkpoint   how is a network kept in one file, with its parameters?
pretrained   where do start values come from, and under which licence?
average      how do several make one? Model soups
weight_files what do other people's files hold? State dicts out of their wrappers
toolkits     by which names do other toolkits call our layers?
fuse         how is it made fast for inference?
export       how does it run without PyTorch?
quantise     how does it run in whole numbers?
"""

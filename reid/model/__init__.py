"""The SGFD network, its attention and backbones; checkpoints, export."""

"""What speaks for a pair of tracklets: candidates, log odds, appearance, ground, and what the pairs say together."""

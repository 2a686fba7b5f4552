"""How the model is learned from unlabelled tracklets: transitions, expectation maximisation, clocks."""

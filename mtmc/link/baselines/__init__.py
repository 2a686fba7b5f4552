"""Linkers to compare with: plain clustering, the published rules, drawn zones."""

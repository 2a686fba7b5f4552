"""Pictures: rankings and attention."""

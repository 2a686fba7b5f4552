"""Deep SORT with the JDE association, on arrays."""

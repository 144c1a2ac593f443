"""BPF C to a unit: our own preprocessor and token scanner. ``read`` is the way in."""

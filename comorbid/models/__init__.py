"""Models: from effects to fits, all through one vectorised kernel."""

"""sources/platforms."""

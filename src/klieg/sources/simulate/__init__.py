"""sources/simulate."""

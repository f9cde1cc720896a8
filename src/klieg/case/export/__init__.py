"""case/export."""

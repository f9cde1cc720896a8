"""One small file a format: what a platform calls its columns and keys. Knows no other format."""

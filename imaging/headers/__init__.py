"""What image files state about themselves, read without decoding them: one module per format."""

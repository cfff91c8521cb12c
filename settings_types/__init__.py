"""What a package needs to define its own section of the settings: `Section`, `Fault` and the kinds of values."""

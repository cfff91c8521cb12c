"""Getting networks of others: the catalogue, downloads, wrapping into our form, the local store."""

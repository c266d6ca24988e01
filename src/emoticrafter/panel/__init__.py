"""Studies in which people judge: read, laid out, shown on a page, kept, exported."""

"""Model files of each format, loaded by what they are and never by what they ask for."""

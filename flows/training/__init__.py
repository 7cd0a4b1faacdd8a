"""The parts of a training: rows in, a judged and registered version out."""

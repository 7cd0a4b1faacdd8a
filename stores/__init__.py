"""Everything that is kept, and the settings that say where."""

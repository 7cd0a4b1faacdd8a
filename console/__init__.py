"""Where people stand: the `holdfast` command."""

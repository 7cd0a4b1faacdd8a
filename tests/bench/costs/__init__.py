"""What a cascade saves and loses on the shipped year."""

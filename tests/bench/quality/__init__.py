"""How the estimate without labels did on a year of real flights, once the truth was known."""

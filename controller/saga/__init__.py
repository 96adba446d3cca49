"""How an admitted migration is carried to its end, whatever dies on the way."""

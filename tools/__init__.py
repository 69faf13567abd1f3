"""Scripts around the project; nothing imports them."""

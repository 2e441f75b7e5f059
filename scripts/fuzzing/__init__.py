"""What `scripts/fuzz` feeds: a module each, which says what must hold for any input."""

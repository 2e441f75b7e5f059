"""What `top` is made of: rounds from the server, the state that keys change, the screen, the terminal."""

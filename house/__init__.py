"""What `./run` is made of. Standard library only, since it runs before anything is installed."""

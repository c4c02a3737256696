"""A trainee's pages: the catalogue, and the exercise that they work on."""

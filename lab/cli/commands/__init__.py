"""One file per command, or per pair of commands that undo each other; each has `register(app)`."""

"""One process that runs one line: plant, PLCs and devices on one clock, with a control channel beside them."""

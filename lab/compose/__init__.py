"""A compose file: the platform, and a line whose devices are a service each, from the docker runtime's own layout.

`line` makes the line's services, `platform` those of the pages, `document` the text of both, `beside` the files that the file names:
secrets, the line at its addresses, what this machine is like. None of them speaks with an engine.
"""

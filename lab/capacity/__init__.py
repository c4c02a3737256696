"""Before class: whether a machine and its engine suffice for so many labs.

`footprint` says what one takes, `machine` and `engine` what there is, `judge` compares them; only `judge` decides, and it is pure.
"""

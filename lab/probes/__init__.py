"""What can be observed of a lab: one file per protocol, found by its place; each has a test in which the feature is broken.

A probe observes and says what it saw; it never judges (`lab.exercises.judge` does).
"""

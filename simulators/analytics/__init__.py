"""Condition monitoring of rotating machines: features of a vibration window, baseline, detectors, alarm.

Pure: numbers in, numbers out; no clock, no network. The monitor in a lab and the hidden runs of the grader are this
same code.
"""

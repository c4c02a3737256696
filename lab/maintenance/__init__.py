"""Predictive maintenance: hidden machines, the trainee's monitor replayed on them, and its score."""

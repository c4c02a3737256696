"""Exercises: schema, parameters, checks, verdicts, score, author tests. No web, no database."""

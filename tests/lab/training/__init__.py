"""Accounts, sittings, cohorts: on both databases, without any real lab."""

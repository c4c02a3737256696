"""The database: people, cohorts, sittings and their append-only events. SQLite (WAL) by default, PostgreSQL by URL."""

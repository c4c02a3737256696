"""Who learns what: people, cohorts, sittings. Everything that pages and commands do goes through here."""

"""The student's own machine in a zone, as a container: ways into the zone for tools outside, and terminals."""

"""The orchestrator: starts labs, watches them, and gives people and tools their way in."""

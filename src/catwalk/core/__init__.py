"""Shared basics: errors, paths, locks, processes; imports no other package of catwalk."""

"""What all packages use: errors, paths, locks, processes; it imports none of the others."""

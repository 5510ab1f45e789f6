"""The stages search, try, serve and dashboard: trials, the workers that run them, and their study."""

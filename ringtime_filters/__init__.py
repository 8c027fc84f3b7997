"""A deadline around the initialisation of LiveKit audio filters."""

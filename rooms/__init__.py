"""The room's side of LiveKit: what is provisioned there, and what is seen there while calls are placed."""

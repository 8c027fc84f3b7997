"""The embedded trunk: SIP calls into LiveKit rooms, seen by a caller as livekit-sip is."""

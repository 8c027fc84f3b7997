"""The system under test on one machine: redis, livekit-server, a SIP trunk and one agent worker an arm."""

"""As much of WebRTC as a caller's audio needs: one bundled path, Opus, and no more moving parts than that."""

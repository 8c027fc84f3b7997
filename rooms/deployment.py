"""Where a LiveKit deployment is, and what opens it."""

from dataclasses import dataclass, field

from livekit import api


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server's URL with an API key and its secret; the secret comes from the environment alone."""

    url: str
    key: str
    secret: str = field(repr=False)

    def client(self) -> api.LiveKitAPI:
        """A client of its services, to be entered; a LIVEKIT_TOKEN in the environment is not asked."""
        return api.LiveKitAPI(self.url, self.key, self.secret)

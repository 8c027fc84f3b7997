"""Why a deployment did not do what it was asked, each in one sentence with its remedy."""

import aiohttp
from livekit import api

_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN, _HTTP_NOT_FOUND, _HTTP_TOO_MANY = 401, 403, 404, 429


def sentence(error: Exception, url: str) -> str:
    """What happened at the deployment of `url` and what to do; for the errors of `livekit.api`."""
    match error:
        case api.ServerError():
            return _refused(error, url)
        case aiohttp.InvalidURL():
            return f"LIVEKIT_URL cannot be {url!r}: give a URL such as wss://my-project.livekit.cloud"
        case aiohttp.ClientConnectorDNSError():
            return f"{url} cannot be asked: its host does not resolve; is LIVEKIT_URL right?"
        case aiohttp.ClientSSLError():
            return (
                f"{url} does not speak TLS, or with a certificate that is not trusted ({error.strerror}): "
                "is LIVEKIT_URL right?"
            )
        case aiohttp.ClientConnectorError():
            return f"nothing listens at {url} ({error.strerror}): is the deployment up, is LIVEKIT_URL right?"
        case TimeoutError():
            return f"{url} does not answer: is the deployment up, is LIVEKIT_URL right?"
    return f"{url} could not be asked: {error}"


def _refused(error: api.ServerError, url: str) -> str:
    said = error.message or error.code
    if "Conflicting inbound SIP Trunks" in said:
        return f"another trunk at {url} has one of these numbers: give others with --numbers ({said})"
    if "sip not connected" in said:
        return f"{url} has no SIP: a livekit-server of one's own needs redis and livekit-sip for it ({said})"
    match error.status:
        case 401:
            return (
                f"{url} does not accept the credentials: see that LIVEKIT_API_KEY and LIVEKIT_API_SECRET are "
                "of this deployment, and that this host's clock is right"
            )
        case 403:
            return f"{url} does not permit it: see what this API key and this plan may do ({said})"
        case 404:
            return f"what answers at {url} is no LiveKit server, or one without this service ({said})"
        case 429:
            return f"{url} has had too many requests: wait a minute, or see its quotas ({said})"
    return f"{url} refused with HTTP {error.status}: {said}"

"""Ask the gateway to send a message. The only file that waits."""

from __future__ import annotations

import requests

from hooks import Refused, Unreachable

ANSWER_S = 10.0
#: HTTP: this very message was taken already.
TAKEN_ALREADY = 409
#: Told to come back later, rather than refused.
LATER = (408, 425, 429)


class Gateway:
    """One address, one token."""

    def __init__(self, url: str, token: str, verify: str | bool) -> None:
        self._url, self._verify = url, verify
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, message: str, to: tuple[str, ...], text: str) -> bool:
        """Have a text sent; `message` names it, so that the gateway sends it once.

        Raises
        ------
        Unreachable, Refused
            It does not answer, or does not want it.
        """
        body = {"id": message, "to": list(to), "text": text}
        headers = {**self._headers, "Idempotency-Key": message}
        session = requests.Session()
        session.trust_env = False  # no proxy of the machine's, nor its .netrc in place of our token
        try:
            # What it says beside its status is not read: it could be without an end.
            with session, session.post(
                self._url, json=body, headers=headers, timeout=ANSWER_S, verify=self._verify,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                status = answer.status_code
        except requests.RequestException as error:
            raise Unreachable("{host} does not answer", host=self._url) from error
        if 200 <= status < 300 or status == TAKEN_ALREADY:
            return True
        if status >= 500 or status in LATER:
            raise Unreachable("{url} answers {status}", url=self._url, status=status)
        raise Refused("{url} answers {status}", url=self._url, status=status)

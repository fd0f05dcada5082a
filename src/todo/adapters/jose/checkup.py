"""Whether the keys of other issuers can be fetched, and are of use."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from todo.adapters.jose.jwks import LARGEST, PATIENCE
from todo.adapters.jose.keys import keys_in
from todo.application.checkups import Finding, fine, problem, skew, warning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from todo.application.ports import TrustedIssuer

_HERE = {"localhost", "127.0.0.1", "::1"}


async def examine(issuers: Iterable[TrustedIssuer], *, now: Callable[[], float] = time.time) -> AsyncIterator[Finding]:
    """What there is to say of the issuers that publish keys. `now` is the clock of this machine."""
    async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as http:
        for issuer in issuers:
            if not issuer.jwks_url:
                continue
            try:
                answer = await http.get(issuer.jwks_url, headers={"Accept": "application/json"})
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                yield problem(
                    "keys_unreachable",
                    f"The keys of {issuer.name} cannot be fetched ({type(error).__name__}): its tokens will be answered"
                    " with 503. Start it, or mend its address (BETTER_AUTH_URL, jwks_url).",
                )
                continue
            yield _usable(issuer, answer)
            parts = urlsplit(issuer.jwks_url)
            if parts.scheme == "http" and parts.hostname not in _HERE:
                yield warning(
                    "keys_not_encrypted",
                    f"The keys of {issuer.name} are fetched without encryption: unless the network is yours alone,"
                    " whoever is in between can sign in as anyone. Use https.",
                )
            if date := answer.headers.get("date"):
                try:
                    theirs = parsedate_to_datetime(date).timestamp()
                except ValueError:
                    continue
                yield skew("issuer_clock", theirs - now(), issuer.name)


def _usable(issuer: TrustedIssuer, answer: httpx.Response) -> Finding:
    if answer.status_code != httpx.codes.OK:
        return problem(
            "keys_unreachable",
            f"The keys of {issuer.name} are answered with status {answer.status_code}: mend its address"
            " (BETTER_AUTH_URL, jwks_url); redirects are not followed.",
        )
    try:
        if len(answer.content) > LARGEST:
            raise ValueError("too large")
        keys = keys_in(answer.content)
    except ValueError:
        return problem(
            "keys_unusable",
            f"What {issuer.name} answers is no set of keys (JWKS): is the address right, and the `jwt` plugin there?",
        )
    usable = {algorithm for key in keys.values() for algorithm in key} & issuer.algorithms
    if not usable:
        return problem(
            "keys_unusable",
            f"{issuer.name} publishes no key that can be used: one needs a `kid`, and must be for"
            f" {', '.join(sorted(issuer.algorithms - {'HS256'}))}.",
        )
    return fine("keys", f"{issuer.name} publishes keys for {', '.join(sorted(usable))}.")

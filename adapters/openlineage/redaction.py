"""Taking secrets out of text that leaves the service: SQL and error messages.

Where it is not sure, it takes out too much. The patterns never try one stretch of text in
many ways (possessive repetition, bounded otherwise), so that no text keeps the worker long.
"""

from __future__ import annotations

import re

HIDDEN = "***"

_GAP = r"(?>\s|/\*.{0,256}?\*/|--[^\n]{0,256}\n){1,64}+"
_KEYWORD = (
    r"(?<![A-Za-z0-9])"  # so that s3_secret_access_key and X-Amz-Signature are found too
    r"(?:password|passwd|passphrase|pwd|secret_?access_?key|secret_?key|client_?secret|secret"
    r"|access_?key(?:_?id)?|account_?key|api_?key|key_?id|connection_?string"
    r"|(?:access_?|auth_?|bearer_?|refresh_?|security[_-]?|session_?)?token"
    r"|signature|credential|sig)"
    r"[\"']?"
)
_SIGN = r"\s{0,16}(?:=>|:=|=|:(?!:))\s{0,16}"
# A quoted value, with or without its end: doubled quotes as in a string within a SQL string,
# then as SQL ('it''s') and connection strings ('it\'s') quote.
_QUOTED = (
    r"(?:''(?:[^']|'''')*+(?:'')?"
    r"|'(?:[^'\\]|''|\\.?)*+'?"
    r"|\"(?:[^\"]|\"\")*+\"?)"
)

_CREATE_SECRET = re.compile(
    rf"\bcreate{_GAP}(?:or{_GAP}replace{_GAP})?(?:(?:persistent|temporary|temp){_GAP})?secret\b.*",
    re.IGNORECASE | re.DOTALL,
)
_URL_REST = re.compile(r"://((?:(?!://)[^\s'\"])++)")
_BEARER = re.compile(r"\bbearer\s{1,8}[\w.~+/=-]++", re.IGNORECASE)
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_NAMED = re.compile(
    rf"(?P<name>{_KEYWORD}(?:{_SIGN}|\s{{1,16}}(?=['\"])))(?:{_QUOTED}|[^\s'\"]++)",
    re.IGNORECASE | re.DOTALL,
)


def redact(text: str) -> str:
    """The text, with what looks like a secret replaced by `***`.

    Secrets are: users and passwords in URLs, `CREATE SECRET` statements from there on,
    bearer tokens, access key ids, and what stands behind a name such as `password` or
    `api_key`, in SQL, URLs, JSON and connection strings.
    """
    text = _CREATE_SECRET.sub(f"CREATE SECRET {HIDDEN}", text)
    text = _URL_REST.sub(_without_user, text)
    text = _BEARER.sub(f"Bearer {HIDDEN}", text)
    text = _ACCESS_KEY.sub(HIDDEN, text)
    return _NAMED.sub(rf"\g<name>{HIDDEN}", text)


def _without_user(match: re.Match[str]) -> str:
    rest = match[1]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # A password may hold a bare '/' or '@', so after "user:" it ends at the last '@' there is
    before, at, _ = (rest if ":" in authority else authority).rpartition("@")
    if not at:
        return match[0]
    return f"://{HIDDEN}@{rest[len(before) + 1 :]}"

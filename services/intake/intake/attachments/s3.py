"""A bucket that speaks S3 (MinIO, Ceph, or a provider's), by four requests that we sign ourselves.

Signature Version 4 over a fixed set of headers is the forty lines below; the libraries that know the rest of S3 bring
a second HTTP client or 15 MB of it with them. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx

from intake.settings import Settings

SECONDS = 15.0
_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    key_id: str
    secret: str
    region: str
    service: str = "s3"

    def headers(
        self, method: str, url: str, now: datetime, *, body: str = _EMPTY, more: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """What a request without query must carry, `more` included; `body` is the SHA-256 of its body, in hex."""
        address, at = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
        signed = {"host": address.netloc, "x-amz-content-sha256": body, "x-amz-date": at, **(more or {})}
        request = canonical(method, address.path, signed, body)
        scope = f"{at[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(at[:8]), text.encode(), "sha256").hex()
        names = ";".join(sorted(signed))
        credential = f"Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": f"AWS4-HMAC-SHA256 {credential}"}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def canonical(method: str, path: str, headers: Mapping[str, str], body: str) -> str:
    """The request as it is signed; without query."""
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    return f"{method}\n{quote(path) or '/'}\n\n{lines}\n{';'.join(sorted(headers))}\n{body}"


class S3Storage:
    """Objects named by their hash, in one bucket, addressed by path."""

    def __init__(self, bucket: str, signer: Signer) -> None:
        """`bucket` is its whole address, `https://storage.example/bucket`."""
        self._bucket = bucket.rstrip("/")
        self._signer = signer
        self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=False)

    @classmethod
    def of(cls, settings: Settings) -> "S3Storage":
        """The bucket that the settings name."""
        key_id, secret = settings.files_s3_key_id, settings.files_s3_secret
        if settings.files_s3 is None or key_id is None or secret is None:
            raise ValueError("PASOKH_FILES_S3 needs PASOKH_FILES_S3_KEY_ID and PASOKH_FILES_S3_SECRET")
        return cls(settings.files_s3, Signer(key_id, secret.get_secret_value(), settings.files_s3_region))

    async def put(self, sha256: str, data: bytes) -> None:
        """Store; the server checks the hash, which is signed."""
        _expect(await self._ask("PUT", sha256, data), 200)

    async def open(self, sha256: str) -> bytes | None:
        """The bytes, or None where there are none."""
        answer = await self._ask("GET", sha256)
        if answer.status_code == 404:
            return None
        _expect(answer, 200)
        return answer.content

    async def delete(self, sha256: str) -> None:
        """Delete; what is not there is deleted already."""
        _expect(await self._ask("DELETE", sha256), 204, 200, 404)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, sha256: str, data: bytes = b"") -> httpx.Response:
        url = f"{self._bucket}/{sha256[:2]}/{sha256}"
        headers = self._signer.headers(method, url, datetime.now(UTC), body=hashlib.sha256(data).hexdigest())
        try:
            return await self._client.request(method, url, content=data or None, headers=headers)
        except httpx.HTTPError as error:
            raise ConnectionError(f"the storage does not answer: {error!r}") from error


def _expect(answer: httpx.Response, *statuses: int) -> None:
    """Whatever else a storage says passes: it is set wrongly, full or busy, and the file is put again later."""
    if answer.status_code not in statuses:
        raise ConnectionError(f"the storage answers {answer.status_code}: {answer.text[:200]}")

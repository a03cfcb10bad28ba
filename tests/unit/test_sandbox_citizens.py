import httpx
import orjson
import pytest
from workbench.sandbox.citizens import SECRET_HEADER, Said, say


@pytest.mark.parametrize(
    ("platform", "path", "header"),
    [
        ("telegram", "/v1/social/telegram/pasokh", "secret-of-16-letters"),
        ("bale", "/v1/social/bale/secret-of-16-letters", None),
    ],
)
async def test_a_citizen_writes_to_the_bot_as_the_platform_would(platform: str, path: str, header: str | None) -> None:
    asked: list[httpx.Request] = []

    def intake(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(intake)) as client:
        said = Said(chat=42, text="چاله")
        for _ in range(2):
            assert await say(client, "http://intake", platform, said, secret="secret-of-16-letters") == 200
    first, second = asked
    assert (first.url.path, first.headers.get(SECRET_HEADER)) == (path, header)
    bodies = [orjson.loads(request.content) for request in asked]
    assert bodies[0]["message"]["text"] == "چاله"
    assert bodies[0]["update_id"] != bodies[1]["update_id"]
    assert second.url == first.url

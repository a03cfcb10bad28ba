"""Routes that are answered without FastAPI's layers: fixed paths, and paths with a parameter."""

from typing import Annotated

import httpx
import pytest
from common.edge import DirectRoute, Edge
from fastapi import APIRouter, Depends, Request, Response


async def caller(request: Request) -> str:
    """Whoever it is."""
    return str(request.path_params)


async def answer(request: Request, who: Annotated[str, Depends(caller)]) -> Response:
    """What the caller said."""
    return Response(who)


@pytest.fixture
def edge() -> Edge:
    router = APIRouter(route_class=DirectRoute)
    router.add_api_route("/hooks", answer, methods=["POST"])
    router.add_api_route("/hooks/fixed", answer, methods=["POST"])
    router.add_api_route("/hooks/{secret}", answer, methods=["POST"])
    app = Edge(body_limits={})
    app.add_routes(*router.routes)
    return app


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/hooks", "{}"),
        ("/hooks/fixed", "{}"),
        ("/hooks/abc", "{'secret': 'abc'}"),
        ("/hooks/a%20b", "{'secret': 'a b'}"),
    ],
)
async def test_a_path_finds_its_route_and_its_parameter(edge: Edge, path: str, found: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://edge") as client:
        answered = await client.post(path)
    assert (answered.status_code, answered.text) == (200, found)


@pytest.mark.parametrize("path", ["/hooks/a/b", "/other", "/"])
async def test_other_paths_are_not_found(edge: Edge, path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://edge") as client:
        assert (await client.post(path)).status_code == 404
        assert (await client.get("/hooks/abc")).status_code == 405


@pytest.mark.parametrize("path", ["/{a}/{b}", "/{a}/b/c"])
def test_a_path_that_one_look_up_could_not_find_is_refused(path: str) -> None:
    with pytest.raises(TypeError, match="direct route"):
        DirectRoute(path, answer, methods=["POST"])


def test_a_route_that_asks_for_more_than_its_caller_is_refused() -> None:
    async def more(request: Request, who: Annotated[str, Depends(caller)], page: int) -> Response:
        return Response(f"{who}{page}")

    with pytest.raises(TypeError, match="caller alone"):
        DirectRoute("/more", more, methods=["POST"])

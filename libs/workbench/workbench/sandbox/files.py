"""Files that citizens sent on the messengers, as each platform hands them out: `getFile` and what it leads to."""

import hashlib
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

router = APIRouter()


def keep_files(app: FastAPI) -> None:
    """Let an app keep files, and answer for them as the platforms do."""
    app.state.files = {}
    app.include_router(router)


@router.post("/files", status_code=201)
async def post_file(request: Request) -> dict[str, str]:
    """A citizen picked a file; its id is what a webhook names."""
    data = await request.body()
    name = hashlib.sha256(data).hexdigest()[:24]
    request.app.state.files[name] = data
    return {"file_id": name}


@router.get("/telegram/bot{token}/getFile")
@router.get("/bale/bot{token}/getFile")
async def telegram_file(request: Request, token: str, file_id: str) -> Any:
    """Telegram's and Bale's."""
    return {"ok": True, "result": {"file_id": file_id, "file_path": f"photos/{_known(request, file_id)}"}}


@router.get("/telegram/file/bot{token}/photos/{name}")
@router.get("/bale/file/bot{token}/photos/{name}")
@router.get("/files/{name}")
async def file_of(request: Request, name: str) -> Response:
    """The bytes."""
    return Response(request.app.state.files[_known(request, name)], media_type="application/octet-stream")


@router.post("/rubika/v3/{token}/getFile")
async def rubika_file(request: Request, token: str) -> Any:
    """Rubika's."""
    name = _known(request, (await request.json())["file_id"])
    return {"status": "OK", "data": {"download_url": f"{request.base_url}files/{name}"}}


@router.get("/whatsapp/{media}")
async def whatsapp_file(request: Request, media: str) -> Any:
    """WhatsApp's."""
    return {"id": media, "url": f"{request.base_url}files/{_known(request, media)}"}


def _known(request: Request, name: str) -> str:
    if name not in request.app.state.files:
        raise HTTPException(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    return name

"""The SMS sandbox: a provider that speaks Kavenegar's REST, a page of the SMS sent, and citizens who reply."""

import asyncio
import html
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from common.calendar import jalali_moment
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from workbench.sandbox import kavenegar
from workbench.sandbox.faults import Faults
from workbench.sandbox.files import keep_files
from workbench.sandbox.ledger import Ledger

log = logging.getLogger(__name__)
_PAGE = """<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>SMS</title>
<style>body{{font-family:sans-serif;max-width:50rem;margin:2rem auto}}article{{border:1px solid #ccc;margin:.5rem 0;
padding:.5rem 1rem;border-radius:.5rem}}small{{color:#666}}</style><h1>{count} پیامک</h1>{articles}</html>"""
_ARTICLE = "<article><small dir=ltr>{number} · {time} · {status}</small><p>{text}</p></article>"


class Reply(BaseModel):
    """What a citizen sends back."""

    sender: str
    text: str


def create_app() -> FastAPI:
    """The sandbox, as its environment says."""
    app = FastAPI(title="Pasokh SMS sandbox", lifespan=_lifespan)
    app.state.ledger = Ledger(Path(os.environ["PASOKH_SANDBOX_LEDGER"]))
    app.state.faults = Faults()
    app.state.key = os.environ.get("PASOKH_GATEWAY_KEY", "workbench")
    app.state.replies = set()
    app.include_router(kavenegar.router)
    keep_files(app)
    app.get("/", response_class=HTMLResponse)(page)
    app.get("/readyz")(ready)
    app.get("/ledger")(ledger)
    app.get("/ledger/summary")(summary)
    app.post("/faults")(set_faults)
    app.post("/inbox", status_code=202)(reply)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=10) as client:
        app.state.client = client
        yield
    app.state.ledger.close()


async def page(request: Request) -> str:
    """The last 200 SMS, newest first."""
    sent = request.app.state.ledger.sent
    articles = [
        _ARTICLE.format(
            number=html.escape(sms.receptor),
            time=jalali_moment(datetime.fromtimestamp(sms.sent_at, UTC)),
            status=sms.status,
            text=html.escape(sms.message).replace("\n", "<br>"),
        )
        for sms in sent[:-201:-1]
    ]
    return _PAGE.format(count=len(sent), articles="".join(articles))


async def ready() -> dict[str, bool]:
    """Always."""
    return {"ready": True}


async def ledger(request: Request, after: int = 0, limit: int = 5000) -> list[dict[str, Any]]:
    """SMS from a position on."""
    sent = request.app.state.ledger.sent[after : after + limit]
    return [
        {"messageid": s.messageid, "localid": s.localid, "receptor": s.receptor, "message": s.message}
        | {"sent_at": s.sent_at, "asked": s.asked}
        for s in sent
    ]


async def summary(request: Request) -> dict[str, int]:
    """How many SMS were delivered, and how often we were asked."""
    sent = request.app.state.ledger.sent
    return {"delivered": len(sent), "asked": sum(sms.asked for sms in sent)}


async def set_faults(request: Request, faults: Faults) -> Faults:
    """Let calls fail from now on; an empty object clears it."""
    request.app.state.faults = faults
    return faults


async def reply(request: Request, reply: Reply) -> dict[str, str]:
    """A citizen's SMS, handed to intake until it is accepted."""
    message_id = uuid.uuid4().hex
    task = asyncio.create_task(_hand_on(request.app.state.client, message_id, reply))
    request.app.state.replies.add(task)
    task.add_done_callback(request.app.state.replies.discard)
    return {"message_id": message_id}


async def _hand_on(client: httpx.AsyncClient, message_id: str, reply: Reply) -> None:
    body = {"platform": "sms", "user_id": reply.sender, "message_id": message_id}
    body |= {"text": reply.text, "phone": reply.sender}
    address = f"{os.environ['PASOKH_SANDBOX_INTAKE']}/v1/social/messages"
    headers = {"Authorization": f"Bearer {os.environ['PASOKH_SANDBOX_TOKEN']}"}
    while True:
        try:
            answer = await client.post(address, json=body, headers=headers)
            if answer.status_code < 500:
                if answer.status_code != 202:
                    log.error("intake refused a reply: %s", answer.text)
                return
        except httpx.HTTPError as error:
            log.warning("intake is away: %r", error)
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    host, port = os.environ.get("PASOKH_HOST", "127.0.0.1"), int(os.environ["PASOKH_PORT"])
    uvicorn.run(create_app(), host=host, port=port, loop="uvloop", access_log=False)

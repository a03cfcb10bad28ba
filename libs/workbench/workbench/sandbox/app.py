"""The sandbox: an SMS provider that speaks Kavenegar's REST, messengers and the app's server, a page of what reached
citizens, and citizens who reply."""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from workbench.sandbox import kavenegar, messengers
from workbench.sandbox.chats import ChatFaults, Chats
from workbench.sandbox.citizens import Said, say
from workbench.sandbox.faults import Faults
from workbench.sandbox.files import keep_files
from workbench.sandbox.ledger import Ledger, Sms
from workbench.sandbox.page import render

log = logging.getLogger(__name__)


class Reply(BaseModel):
    """What a citizen sends back."""

    sender: str
    text: str


def create_app() -> FastAPI:
    """The sandbox, as its environment says."""
    app = FastAPI(title="Pasokh SMS sandbox", lifespan=_lifespan)
    ledger_file = Path(os.environ["PASOKH_SANDBOX_LEDGER"])
    app.state.ledger = Ledger(ledger_file)
    app.state.chats = Chats(ledger_file.with_name("chats.jsonl"))
    app.state.bot_token = os.environ.get("PASOKH_SANDBOX_BOT_TOKEN", "137:workbench")
    app.state.webhook_secret = os.environ.get("PASOKH_SANDBOX_WEBHOOK_SECRET", "whsec_")
    app.state.faults = Faults()
    app.state.key = os.environ.get("PASOKH_GATEWAY_KEY", "workbench")
    app.state.replies = set()
    app.include_router(kavenegar.router)
    app.include_router(messengers.router)
    keep_files(app)
    app.get("/", response_class=HTMLResponse)(page)
    app.get("/readyz")(ready)
    app.get("/ledger")(ledger)
    app.get("/ledger/summary")(summary)
    app.get("/chats")(chats)
    app.post("/faults")(set_faults)
    app.post("/faults/{platform}")(set_chat_faults)
    app.post("/inbox", status_code=202)(reply)
    app.post("/chats/{platform}", status_code=202)(chat)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=10) as client:
        app.state.client = client
        yield
    app.state.ledger.close()
    app.state.chats.close()


async def page(request: Request) -> str:
    """The last 200 that reached citizens, newest first."""
    return render(request.app.state.ledger.sent, request.app.state.chats.told)


async def ready() -> dict[str, bool]:
    """Always."""
    return {"ready": True}


async def ledger(
    request: Request, after: int = 0, limit: int = 5000, receptor: str | None = None
) -> list[dict[str, Any]]:
    """SMS from a position on, or those to one number."""
    every: list[Sms] = request.app.state.ledger.sent
    mine = every if receptor is None else [sms for sms in every if sms.receptor == receptor]
    sent = mine[after : after + limit]
    return [
        {"messageid": s.messageid, "localid": s.localid, "receptor": s.receptor, "message": s.message}
        | {"sent_at": s.sent_at, "asked": s.asked}
        for s in sent
    ]


async def summary(request: Request) -> dict[str, int]:
    """How many SMS were delivered, and how often we were asked."""
    sent = request.app.state.ledger.sent
    return {"delivered": len(sent), "asked": sum(sms.asked for sms in sent)}


async def chats(request: Request, after: int = 0, limit: int = 5000, platform: str | None = None) -> list[Any]:
    """What reached citizens on messengers (or one of them) and in the app, from a position on."""
    told = request.app.state.chats.of(platform) if platform else request.app.state.chats.told
    return [asdict(one) for one in told[after : after + limit]]


async def set_chat_faults(request: Request, platform: str, faults: ChatFaults) -> ChatFaults:
    """Let a messenger's calls, or the app's (`push`), fail from now on; an empty object clears it."""
    request.app.state.chats.faults[platform] = faults
    return faults


async def chat(request: Request, platform: str, said: Said) -> dict[str, int]:
    """A citizen writes to the city's bot on Telegram or Bale; what intake answered the platform."""
    intake = os.environ["PASOKH_SANDBOX_INTAKE"]
    secret = os.environ["PASOKH_SANDBOX_SECRET"]
    return {"status": await say(request.app.state.client, intake, platform, said, secret=secret)}


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

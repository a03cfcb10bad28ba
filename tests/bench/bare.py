"""The yardstick: a bare FastAPI app that validates the same body and stores nothing."""

import gc
import sys
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request
from intake.channels.app.schemas import AppMessage
from intake.channels.meta.schemas import InstagramEvent, WhatsAppMessage
from intake.channels.rubika.schemas import RubikaBody
from intake.channels.sms.schemas import SmsForm
from intake.channels.telegram.schemas import TelegramUpdate
from pydantic import BaseModel

app = FastAPI()


class Value(BaseModel):
    """Messages of WhatsApp."""

    messages: list[WhatsAppMessage]


class Change(BaseModel):
    """One of their lists."""

    value: Value


class Entry(BaseModel):
    """What happened to one account."""

    changes: list[Change] = []
    messaging: list[InstagramEvent] = []


class Batch(BaseModel):
    """Meta's batch, all of it at once; ours reads its parts one by one."""

    object: str
    entry: list[Entry]


@app.post("/v1/app/messages", status_code=202)
async def post_message(message: AppMessage) -> dict[str, str]:
    """Validate, and answer."""
    return {"code": "1234567897", "received_at": "2026-11-24T13:02:29.074181+00:00"}


@app.post("/v1/social/rubika/{secret}/receiveUpdate")
async def post_rubika(secret: str, update: RubikaBody) -> dict[str, str]:
    """The same for Rubika."""
    return {"status": "OK"}


@app.post("/v1/social/whatsapp")
@app.post("/v1/social/instagram")
async def post_batch(batch: Batch) -> dict[str, str]:
    """The same for Meta's batches."""
    return {}


@app.post("/v1/social/sms/{secret}")
async def post_sms(secret: str, request: Request) -> dict[str, str]:
    """The same for an SMS."""
    SmsForm.model_validate(dict(parse_qsl((await request.body()).decode())))
    return {}


@app.post("/v1/social/{platform}/{secret}")
async def post_update(platform: str, secret: str, update: TelegramUpdate) -> dict[str, str]:
    """Validate what a messenger sends, and answer."""
    return {}


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False)

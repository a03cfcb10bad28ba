"""The yardstick: a bare FastAPI app that validates the same body and stores nothing."""

import gc
import sys

import uvicorn
from fastapi import FastAPI, Request
from intake.channels.app.schemas import AppMessage
from intake.channels.meta.schemas import MetaBody
from intake.channels.rubika.schemas import RubikaBody
from intake.channels.telegram.schemas import TelegramUpdate

app = FastAPI()


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
async def post_batch(batch: MetaBody) -> dict[str, str]:
    """The same for Meta's batches, whose parts it does not look at."""
    return {}


@app.post("/v1/social/sms/{secret}")
async def post_sms(secret: str, request: Request) -> dict[str, str]:
    """The same for an SMS, whose form it does not look at."""
    await request.body()
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

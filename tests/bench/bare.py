"""The yardstick: a bare FastAPI app that validates the same body and stores nothing."""

import gc
import sys

import uvicorn
from fastapi import FastAPI
from intake.channels.app.schemas import AppMessage
from intake.channels.telegram.schemas import Update

app = FastAPI()


@app.post("/v1/app/messages", status_code=202)
async def post_message(message: AppMessage) -> dict[str, str]:
    """Validate, and answer."""
    return {"code": "1234567897", "received_at": "2026-11-24T13:02:29.074181+00:00"}


@app.post("/v1/social/{platform}/{secret}")
async def post_update(platform: str, secret: str, update: Update) -> dict[str, str]:
    """Validate what a messenger sends, and answer."""
    return {}


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False)

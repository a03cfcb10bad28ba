"""Kavenegar's REST as its public documentation and clients describe it: send, sendarray, status, receive."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from fastapi import APIRouter, Request, Response

from workbench.sandbox.faults import Faults, Refusal
from workbench.sandbox.ledger import Ledger, Sms

MOST_SENT = 200
MOST_ASKED = 500
_TEXTS = {
    200: "تایید شد",
    400: "پارامترها ناقص هستند",
    403: "کد شناسائی معتبر نیست",
    404: "متد یافت نشد",
    409: "سرور قادر به پاسخگوئی نیست بعدا تلاش کنید",
    411: "دریافت کننده نامعتبر است",
    412: "ارسال کننده نامعتبر است",
    413: "پیام خالی است و یا طول پیام بیش از حد مجاز می‌باشد",
    414: "حجم درخواست بیشتر از حد مجاز است",
    418: "اعتبار حساب شما کافی نیست",
    419: "طول آرایه متن و گیرنده و فرستنده هم اندازه نیست",
}
_STATUS = {5: "ارسال به مخابرات", 10: "رسیده به گیرنده", 100: "شناسه پیامک نامعتبر است"}

router = APIRouter(include_in_schema=False)


@router.api_route("/v1/{key}/sms/{method}.json", methods=["GET", "POST"])
async def call(request: Request, key: str, method: str) -> Response:
    """One call of the API; parameters in the query or, form-encoded, in the body."""
    ledger: Ledger = request.app.state.ledger
    faults: Faults = request.app.state.faults
    parameters = dict(parse_qsl(str(request.url.query))) | _form(await request.body())
    try:
        await faults.before(method)
        if key != request.app.state.key:
            raise Refusal(403)
        entries = _METHODS[method](parameters, ledger, faults) if method in _METHODS else _unknown()
        await faults.after(method)
    except Refusal as refusal:
        return _answer(refusal.status, None)
    return _answer(200, entries)


def _form(body: bytes) -> dict[str, str]:
    """Form-encoded parameters; a value whose every octet is encoded is read in C, 30 times as fast."""
    pairs = [pair.partition(b"=") for pair in body.split(b"&") if pair]
    return {unquote_plus(name.decode()): _value(value) for name, _, value in pairs}


def _value(value: bytes) -> str:
    digits = value.replace(b"%", b"")
    if value.count(b"%") * 3 == len(value) == len(digits) // 2 * 3 and value[::3].count(b"%") == len(value) // 3:
        return bytes.fromhex(digits.decode()).decode()
    return unquote_plus(value.decode())


def _unknown() -> list[dict[str, Any]]:
    raise Refusal(404)


def _send(parameters: Mapping[str, str], ledger: Ledger, faults: Faults) -> list[dict[str, Any]]:
    receptors = parameters.get("receptor", "").split(",")
    localids = parameters.get("localid", "").split(",") if parameters.get("localid") else [""] * len(receptors)
    message = parameters.get("message", "")
    return _deliver([message] * len(receptors), receptors, localids, ledger, faults)


def _sendarray(parameters: Mapping[str, str], ledger: Ledger, faults: Faults) -> list[dict[str, Any]]:
    try:
        receptors, messages = orjson.loads(parameters["receptor"]), orjson.loads(parameters["message"])
        senders = orjson.loads(parameters["sender"])
        localids = orjson.loads(parameters.get("localmessageids") or "[]") or [""] * len(receptors)
    except (KeyError, ValueError) as error:
        raise Refusal(400) from error
    if len({len(receptors), len(messages), len(senders), len(localids)}) != 1:
        raise Refusal(419)
    return _deliver(messages, receptors, [str(one) for one in localids], ledger, faults)


def _deliver(
    messages: list[str], receptors: list[str], localids: list[str], ledger: Ledger, faults: Faults
) -> list[dict[str, Any]]:
    if len(receptors) > MOST_SENT:
        raise Refusal(414)
    if any(not text or len(text) > 900 for text in messages):
        raise Refusal(413)
    if any(not _mobile(number) or number in faults.bad_receptors for number in receptors):
        raise Refusal(411)
    return [_entry(sms) for sms in ledger.deliver(list(zip(localids, receptors, messages, strict=True)))]


def _mobile(number: str) -> bool:
    digits = number.lstrip("+0").removeprefix("98")
    return len(digits) == 10 and digits.isascii() and digits.isdigit() and digits[0] == "9"


def _status(parameters: Mapping[str, str], ledger: Ledger, faults: Faults) -> list[dict[str, Any]]:
    ids = parameters.get("messageid", "").split(",")
    if len(ids) > MOST_ASKED:
        raise Refusal(414)
    return [_told(int(i), ledger.find(int(i)) if i.isdigit() else None, faults) for i in ids if i.isdigit()]


def _status_local(parameters: Mapping[str, str], ledger: Ledger, faults: Faults) -> list[dict[str, Any]]:
    sms = ledger.find_local(parameters.get("localid", ""))
    return [_told(sms.messageid if sms else 0, sms, faults) | {"localid": parameters.get("localid")}]


def _told(messageid: int, sms: Sms | None, faults: Faults) -> dict[str, Any]:
    status = 100 if sms is None else 5 if faults.loses_receipts else sms.status
    return {"messageid": messageid, "status": status, "statustext": _STATUS[status]}


def _entry(sms: Sms) -> dict[str, Any]:
    return {
        "messageid": sms.messageid,
        "message": sms.message,
        "status": 5,
        "statustext": _STATUS[5],
        "sender": "1000137",
        "receptor": sms.receptor,
        "date": int(sms.sent_at),
        "cost": 120,
    }


def _receive(parameters: Mapping[str, str], ledger: Ledger, faults: Faults) -> list[dict[str, Any]]:
    return []  # replies go to intake at once, as with an address set in Kavenegar's panel


_METHODS = {
    "send": _send,
    "sendarray": _sendarray,
    "status": _status,
    "statuslocalmessageid": _status_local,
    "receive": _receive,
}


def _answer(status: int, entries: list[dict[str, Any]] | None) -> Response:
    head = {"status": status, "message": _TEXTS.get(status, "")}
    body = orjson.dumps({"return": head, "entries": entries})
    return Response(body, status, media_type="application/json")

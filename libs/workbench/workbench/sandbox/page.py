"""The sandbox's page: what reached citizens, by SMS, on messengers and in the app."""

import html
from collections.abc import Sequence
from datetime import UTC, datetime

from common.calendar import jalali_moment

from workbench.sandbox.chats import Told
from workbench.sandbox.ledger import Sms

MOST = 200
_PAGE = """<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>SMS</title>
<style>body{{font-family:sans-serif;max-width:50rem;margin:2rem auto}}article{{border:1px solid #ccc;margin:.5rem 0;
padding:.5rem 1rem;border-radius:.5rem}}small{{color:#666}}</style>
<h1>{sms} پیامک · {chats} پیام در پیام‌رسان و برنامه</h1>{articles}</html>"""
_ARTICLE = "<article><small dir=ltr>{by}</small><p>{text}</p></article>"


def render(sent: Sequence[Sms], told: Sequence[Told]) -> str:
    """The last 200 of both, newest first."""
    shown = [(sms.sent_at, _article(sms.receptor, sms.sent_at, str(sms.status), sms.message)) for sms in sent[-MOST:]]
    shown += [(one.sent_at, _article(one.to, one.sent_at, _how(one), one.text)) for one in told[-MOST:]]
    newest = sorted(shown, reverse=True)[:MOST]
    return _PAGE.format(sms=len(sent), chats=len(told), articles="".join(article for _, article in newest))


def _how(told: Told) -> str:
    return f"{told.platform} · [{told.button}]" if told.button else told.platform


def _article(to: str, at: float, how: str, text: str) -> str:
    by = f"{html.escape(to)} · {jalali_moment(datetime.fromtimestamp(at, UTC))} · {html.escape(how)}"
    return _ARTICLE.format(by=by, text=html.escape(text).replace("\n", "<br>"))

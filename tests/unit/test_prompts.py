from typing import Any

import pytest
from common.events import Channel, Prompt, PromptRequested, SealedAddress
from notify.means import Reach, Way
from notify.prompts import Prompts
from notify.words import parts
from pydantic import ValidationError

from tests.builders import NOW
from tests.unit.settings_of_notify import settings

WITH_BOTH = SealedAddress(phone="sealed", phone_lookup="n", sms=True, account="chat", account_lookup="a")
WITHOUT_NUMBER = SealedAddress(account="chat", account_lookup="a")
REACH = Reach(("push", "telegram", "whatsapp/137"))


def a_prompt(prompt: Prompt, **values: str) -> PromptRequested:
    return PromptRequested(
        at=NOW, prompt=prompt, values=values, channel=Channel.PHONE, reply_to=SealedAddress(phone="sealed", sms=True)
    )


@pytest.mark.parametrize("prompt", list(Prompt))
def test_every_prompt_has_words_that_are_one_or_two_sms(prompt: Prompt) -> None:
    values = {"code": "1927643500", "url": "https://137.example/c/Ab3", "at": "ساعت 10:30"}
    text = Prompts.load().render(a_prompt(prompt, **values))
    assert "{" not in text
    assert 1 <= parts(text) <= 3
    assert ("https://137.example/c/Ab3" in text) == (prompt is Prompt.CALL_LINK)
    assert ("۱۹۲۷۶۴۳۵۰۰" in text) == (prompt in (Prompt.UNKNOWN_CODE, Prompt.NOTED))
    assert ("ساعت ۱۰:۳۰" in text) == (prompt is Prompt.CALLBACK_PLANNED)


def test_a_value_that_was_not_given_leaves_a_gap() -> None:
    assert "None" not in Prompts.load().render(a_prompt(Prompt.UNKNOWN_CODE))


def test_what_asks_for_a_place_or_a_number_has_a_button() -> None:
    rows = Prompts.load().rows
    assert {prompt: words.offer for prompt, words in rows.items() if words.offer} == {
        Prompt.ASK_PLACE: "location",
        Prompt.ASK_PHONE: "contact",
    }


@pytest.mark.parametrize(
    ("wanted", "reply_to", "platform", "expected"),
    [
        ("chat", WITH_BOTH, "telegram", Way("telegram", "sealed", "chat", "a")),
        ("chat", WITHOUT_NUMBER, "telegram", Way("telegram", None, "chat", "a")),
        ("chat", WITH_BOTH, "telegram/other", Way("telegram", "sealed", "chat", "a")),
        ("chat", WITH_BOTH, "whatsapp", Way("whatsapp/137", "sealed", "chat", "a")),
        ("chat", WITH_BOTH, "rubika", Way("sms", "sealed")),
        ("chat", WITHOUT_NUMBER, "rubika", Way("sms", None, tellable=False)),
        ("chat", WITH_BOTH, None, Way("sms", "sealed")),
        ("chat", WITH_BOTH, "push", Way("sms", "sealed")),
        ("push", WITH_BOTH, None, Way("push", "sealed", "chat", "1927643500")),
        ("push", SealedAddress(phone="sealed", sms=True), None, Way("sms", "sealed")),
        ("sms", WITH_BOTH, "telegram", Way("sms", "sealed")),
        ("sms", SealedAddress(phone="landline"), None, Way("sms", "landline", tellable=False)),
        ("chat", SealedAddress(phone="landline", account="chat", account_lookup="a"), "telegram",
         Way("telegram", None, "chat", "a")),
    ],
)  # fmt: skip
def test_a_citizen_is_told_the_way_they_came_else_by_sms(
    wanted: str, reply_to: SealedAddress, platform: str | None, expected: Way
) -> None:
    assert REACH.way(wanted, reply_to, platform, "1927643500") == expected


def test_of_several_accounts_the_one_that_was_written_to_answers() -> None:
    several = Reach(("telegram/pasokh", "telegram/district"))
    ways = [several.way("chat", WITH_BOTH, f"telegram/{bot}", None).means for bot in ("pasokh", "district")]
    assert ways == ["telegram/pasokh", "telegram/district"]


def test_without_a_webhook_the_app_is_told_by_sms() -> None:
    assert Reach().way("push", WITH_BOTH, None, "1927643500").means == "sms"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"messenger_tokens": {"icq": "t"}}, "no platform"),
        ({"messenger_tokens": {"whatsapp": "t"}}, "whatsapp/<id of the account>"),
        ({"app_webhook": "http://app/hook"}, "app_webhook_secret"),
        ({"app_webhook": "http://app/hook", "app_webhook_secret": "whsec_c2hvcnQ="}, "app_webhook_secret"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_the_start(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(**given)


def test_tokens_and_secrets_do_not_show_in_what_is_printed() -> None:
    shown = repr(settings(messenger_tokens={"telegram": "137:hidden"}, app_webhook_secret="whsec_hidden"))
    assert "hidden" not in shown

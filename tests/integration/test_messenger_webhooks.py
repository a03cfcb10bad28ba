from collections.abc import AsyncIterator

import pytest
from common.codes import new_code
from intake.channels.meta.signature import signature
from intake.contact import Contact
from intake.conversation.contacts import Contacts
from intake.conversation.draft import Draft
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests import payloads
from tests.builders import a_database
from tests.integration.webhooks import Platforms, platforms_of
from tests.payloads import instagram_batch, instagram_event, rubika_message, whatsapp_batch, whatsapp_message

COMPLETE = "جوی آب کوچه ۱۲ خیابان بهار در منطقه ۵ بوی بد می‌دهد"


@pytest.fixture
async def platforms(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Platforms]:
    database = await a_database(postgres, "intake", database_name)
    async with platforms_of(database, keys, conversation_photo=False) as made:
        yield made
    await database.close()


async def test_a_complete_text_on_rubika_is_a_message_at_once_and_counts_once(platforms: Platforms) -> None:
    document = rubika_message(text=COMPLETE)
    for name in ("/receiveUpdate", "", "/receiveUpdate"):
        answer = await platforms.rubika(document, name=name)
        assert (answer.status_code, answer.json()) == (200, {"status": "OK"})
    assert await platforms.texts() == [COMPLETE]
    [row] = await platforms.rows("SELECT channel, platform FROM messages")
    assert dict(row) == {"channel": "social", "platform": "rubika"}
    assert "b0QFtn0C1I022" not in str(await platforms.rows("SELECT * FROM outbox, conversations"))


async def test_a_place_and_a_number_come_as_answers(platforms: Platforms) -> None:
    await platforms.rubika(rubika_message(text="زباله را جمع نکرده‌اند"))
    assert await platforms.texts() == []
    await platforms.rubika(rubika_message(text=None, location={"latitude": "35.7", "longitude": "51.4"}))
    [row] = await platforms.rows("SELECT text, place FROM messages")
    assert row["text"] == "زباله را جمع نکرده‌اند"
    assert row["place"]["lat"] == 35.7


async def test_a_batch_of_whatsapp_is_many_peoples_messages(platforms: Platforms) -> None:
    people = [f"98912{n:07d}" for n in range(20)]
    messages = [whatsapp_message(text={"body": f"{COMPLETE} {one}"}, **{"from": one}) for one in people]
    batch = whatsapp_batch(*messages, {"id": 1}, statuses=[payloads.whatsapp_status()])
    assert (await platforms.meta(batch)).status_code == 200
    assert (await platforms.meta(batch)).status_code == 200
    assert sorted(await platforms.texts()) == sorted(f"{COMPLETE} {one}" for one in people)
    assert await platforms.inspected() == ["/messages: no sender"] * 2


async def test_a_reply_and_a_question_after_a_code_by_whatsapp_and_instagram(platforms: Platforms) -> None:
    code = new_code()
    await platforms.meta(whatsapp_batch(whatsapp_message(text={"body": "۳۳"})))
    event = instagram_event(message={"mid": "m_1", "text": f"کد {code} چه شد؟"})
    await platforms.meta(instagram_batch(event), path="instagram")
    events = await platforms.events()
    assert "reply.received.v1" in events
    assert "status.asked.v1" in events
    assert await platforms.texts() == []


async def test_a_button_under_an_answer_is_a_reply_about_its_code(platforms: Platforms) -> None:
    pressed = {button: new_code() for button in ("whatsapp", "instagram", "rubika")}
    said = {"type": "button_reply", "button_reply": {"id": f"31 {pressed['whatsapp']}", "title": "تایید می‌کنم"}}
    await platforms.meta(whatsapp_batch(whatsapp_message("interactive", interactive=said)))
    quick = {"mid": "m_1", "text": "اعتراض دارم", "quick_reply": {"payload": f"33 {pressed['instagram']}"}}
    await platforms.meta(instagram_batch(instagram_event(message=quick)))
    await platforms.rubika(payloads.rubika_press(f"33 {pressed['rubika']}"), name="/receiveInlineMessage")
    rows = await platforms.rows("SELECT platform, answer, code FROM replies ORDER BY received_at")
    answers = {"whatsapp": "accepted", "instagram": "objected", "rubika": "objected"}
    assert {(row["platform"], row["answer"], row["code"]) for row in rows} == {
        (platform, answers[platform], code) for platform, code in pressed.items()
    }


async def test_what_is_forged_is_refused_and_leaves_nothing(platforms: Platforms) -> None:
    body = payloads.body(whatsapp_batch(whatsapp_message(text={"body": COMPLETE})))
    forged = "sha256=" + signature(body, "another-secret")
    assert (await platforms.post("/v1/social/whatsapp", body)).status_code == 401
    assert (await platforms.post("/v1/social/whatsapp", body, X_Hub_Signature_256=forged)).status_code == 403
    said = payloads.body(rubika_message(text=COMPLETE))
    for path in ("rubika/wrong", "rubika/wrong/receiveUpdate", "rubika/%D8%A8/receiveUpdate", "sms/wrong"):
        answer = await platforms.post(f"/v1/social/{path}", said)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert await platforms.texts() == []
    assert await platforms.inspected() == []


async def test_a_secret_that_is_being_replaced_still_holds(platforms: Platforms) -> None:
    said = payloads.body(rubika_message(text=COMPLETE))
    answer = await platforms.post("/v1/social/rubika/the-secret-that-was-here-before", said)
    assert answer.status_code == 200


async def test_the_handshake(platforms: Platforms) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": payloads.VERIFY_TOKEN}
    answer = await platforms.get("/v1/social/whatsapp", **asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = asked | {"hub.verify_token": "wrong"}
    assert (await platforms.get("/v1/social/instagram", **wrong)).status_code == 403
    assert (await platforms.get("/v1/social/instagram")).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"update":{"type":"NewMessage"}}', b"\xff" * 100])
async def test_what_cannot_be_read_is_taken_and_kept_sealed(platforms: Platforms, body: bytes) -> None:
    header = "sha256=" + signature(body, payloads.APP_SECRET)
    answers = [
        await platforms.post(f"/v1/social/rubika/{payloads.SECRET}/receiveUpdate", body),
        await platforms.post("/v1/social/instagram", body, X_Hub_Signature_256=header),
        await platforms.sms(body),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    kept = await platforms.rows("SELECT platform, body FROM inspected ORDER BY id")
    assert [row["platform"] for row in kept] == ["rubika", "instagram", "sms"]
    assert platforms.sealer.open(kept[0]["body"]) == body.decode("utf-8", "backslashreplace")


async def test_when_too_many_wait_a_platform_is_asked_to_send_again(
    postgres: Postgres, database_name: str, keys: Keys
) -> None:
    database = await a_database(postgres, "intake", database_name)
    async with platforms_of(database, keys, most_waiting=0) as busy:
        answers = [
            await busy.rubika(rubika_message(text=COMPLETE)),
            await busy.meta(whatsapp_batch(whatsapp_message())),
            await busy.sms(payloads.sms_form(message=COMPLETE)),
        ]
        assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 3
        assert await busy.texts() == await busy.inspected() == []
    await database.close()


async def test_the_message_is_not_lost_when_one_of_its_batch_cannot_be_stored(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Contacts.messages

    def crashing(contacts: Contacts, draft: Draft) -> list[Contact]:
        if "بد" in draft.words:
            raise KeyError("this one")
        return real(contacts, draft)

    monkeypatch.setattr(Contacts, "messages", crashing)
    texts = [f"{text} در کوچه ۱۲ منطقه ۵" for text in ("اول", "بد", "دوم")]
    people = [whatsapp_message(text={"body": t}, **{"from": f"98912000000{n}"}) for n, t in enumerate(texts)]
    assert (await platforms.meta(whatsapp_batch(*people))).status_code == 200
    assert sorted(await platforms.texts()) == sorted([texts[0], texts[2]])
    assert await platforms.inspected() == ["KeyError"]

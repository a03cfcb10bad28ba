from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from common.errors import Problem
from hypothesis import assume, given
from hypothesis import strategies as st
from intake.attachments.links import Given, Links, Use

LINKS = Links(b"k" * 32)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PHOTO = UUID("01900000-0000-7000-8000-000000000001")


def parts(link: str) -> tuple[str, Given]:
    path, _, query = link.partition("?")
    values = dict(pair.split("=", 1) for pair in query.split("&"))
    return path.rpartition("/")[2], Given(values["expires"], values["signature"])


def status(
    attachment: str, given: Given, *, use: Use = "attachments", now: datetime = NOW, links: Links = LINKS
) -> int:
    try:
        links.check(use, attachment, given=given, now=now)
    except Problem as problem:
        return problem.status
    return 200


@given(st.uuids(), st.integers(1, 10**6))
def test_a_link_opens_what_it_was_made_for_until_it_expires(attachment: UUID, seconds: int) -> None:
    until = NOW + timedelta(seconds=seconds)
    named, given = parts(LINKS.make("attachments", attachment, until))
    assert LINKS.check("attachments", named, given=given, now=NOW) == attachment
    assert status(named, given, now=until) == 410


@given(st.data())
def test_a_link_that_was_changed_anywhere_is_forged(data: st.DataObject) -> None:
    named, given = parts(LINKS.make("attachments", PHOTO, NOW + timedelta(hours=1)))
    fields = [named, given.expires or "", given.signature or ""]
    which = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(fields[which])))
    cut = data.draw(st.integers(0, 3))
    changed = fields[which][:at] + data.draw(st.text(max_size=3)) + fields[which][at + cut :]
    assume(changed != fields[which])
    fields[which] = changed
    assert status(fields[0], Given(fields[1], fields[2])) == 403


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_an_invented_link_is_forged(attachment: str, expires: str, signature: str) -> None:
    assert status(attachment, Given(expires, signature)) == 403


@pytest.mark.parametrize("given", [Given(None, None), Given("1", None), Given(None, "x")])
def test_without_a_signature_there_is_no_way_in(given: Given) -> None:
    assert status(str(PHOTO), given) == 401


def test_a_link_to_read_does_not_write_nor_the_other_way_round() -> None:
    named, given = parts(LINKS.make("attachments", PHOTO, NOW + timedelta(hours=1)))
    assert status(named, given, use="uploads") == 403


def test_a_link_of_another_key_is_forged() -> None:
    named, given = parts(LINKS.make("attachments", PHOTO, NOW + timedelta(hours=1)))
    assert status(named, given, links=Links(b"o" * 32)) == 403


def test_an_expired_link_that_was_changed_is_forged_and_not_expired() -> None:
    _, given = parts(LINKS.make("attachments", PHOTO, NOW - timedelta(hours=1)))
    assert status(str(UUID(int=0)), given) == 403

"""Rules over REST: read by all staff; added and tried by supervisors. Nothing is changed in place."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.db import Transaction
from common.errors import FieldError, Problem, unavailable
from common.http import Page, decode_cursor, encode_cursor, json_answer, json_body, parse
from common.idempotency import First, Key, first_answers, key_of, remember
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from routing.access import DeciderOf, Reader, RulebookOf
from routing.rule_bodies import AddedOut, Changed, Moment, NewRules, PreviewOut, ReferralsOut, RulesOut, VersionOut
from routing.rule_preview import last_cases, moved
from routing.rule_text import RuleProblem, RuleProblems, read
from routing.rulebook import (
    Added,
    Draft,
    Superseded,
    Version,
    add_version,
    newest,
    one_writer,
    referrals_by_rule,
    text_of,
    version_in_force,
    version_of,
    versions,
)
from routing.rules import Known, RuleSet

router = APIRouter(prefix="/v1/rules", tags=["rules"])
_LIMIT = 512 * 1024  # bytes; 500 rules with Persian names are 174 KiB, and 310 in JSON that escapes each letter
LIMITS: Mapping[str, int] = {"/v1/rules": _LIMIT, "/v1/rules/preview": _LIMIT}
YAML = "application/yaml"  # RFC 9512
USUAL_SPAN = timedelta(days=30)
_LARGEST = 2**63 - 1

Editor = Annotated[Caller, Depends(Require(Role.SUPERVISOR))]
Number = Annotated[int, Path(ge=1, lt=_LARGEST)]
_AS_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"model": RulesOut, "content": {YAML: {"schema": {"type": "string"}}}}
}
_ADDED: dict[int | str, dict[str, Any]] = {201: {"model": AddedOut}, 409: {"description": "Problem"}}


@router.get("", responses=_AS_TEXT)
async def get_rules(request: Request, caller: Reader, database: DatabaseOf) -> Response:
    """The rules in force; with `Accept: application/yaml` their text alone."""
    async with database.transaction() as tx:
        version = await version_in_force(tx, _now())
        rules = None if version is None else await _rules(tx, version)
    if rules is None:
        raise unavailable("The rules have not been read yet; send the same request again.")
    return _shown(request, rules)


@router.get("/versions")
async def get_versions(
    caller: Reader,
    database: DatabaseOf,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[VersionOut]:
    """Every version without its text, the newest first."""
    before = _before(cursor)
    async with database.transaction() as tx:
        found = await versions(tx, before=before, limit=limit + 1)
        in_force = await version_in_force(tx, _now())
    items = [_version(one, in_force) for one in found[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].version) if len(found) > limit else None)


@router.get("/versions/{version}", responses=_AS_TEXT | {404: {"description": "Problem"}})
async def get_version(request: Request, version: Number, caller: Reader, database: DatabaseOf) -> Response:
    """A version with its text; with `Accept: application/yaml` the text alone."""
    async with database.transaction() as tx:
        rules = await _rules(tx, version)
    if rules is None:
        raise Problem(404, "The rules have no such version; GET /v1/rules/versions lists them.")
    return _shown(request, rules)


@router.post("", status_code=201, responses=_ADDED, openapi_extra=json_body(NewRules))
async def post_rules(request: Request, caller: Editor, database: DatabaseOf, rulebook: RulebookOf) -> Response:
    """Add a version, all of it or, with the line of every mistake, nothing. It decides within seconds of its begin."""
    asked = await parse(request, NewRules)
    key = await key_of(request, caller.subject)
    async with database.transaction() as tx:
        first = await _first(key, tx)
    if first is not None:
        return _created(first, replayed=True)
    rules = await _read(asked.yaml, rulebook.known)
    async with database.transaction() as tx:
        await one_writer(tx)  # so that the same request, sent twice at once, finds its first answer here
        if (first := await _first(key, tx)) is not None:
            return _created(first, replayed=True)
        now = _now()
        answer = _added(await _add(tx, asked.draft(caller.subject, now), rules, now))
        if key is not None:
            await remember({key.key: First(key.body, answer)}, tx)
    return _created(answer)


@router.post("/preview", responses={200: {"model": PreviewOut}}, openapi_extra=json_body(Changed))
async def post_preview(
    request: Request, caller: Editor, database: DatabaseOf, rulebook: RulebookOf, decider: DeciderOf
) -> Response:
    """Which of the last cases a changed rule set would give to another unit; nothing is stored."""
    asked = await parse(request, Changed)
    new = await _read(asked.yaml, rulebook.known)
    old, in_force = rulebook.rules, rulebook.version
    async with database.transaction() as tx:
        cases = await last_cases(tx, asked.last)
    found = [asdict(one) for one in await asyncio.to_thread(moved, old, new, cases, decider.classifier.model)]
    return json_answer({"moved": found, "looked_at": len(cases), "in_force": in_force, "unproven": list(new.unproven)})


@router.get("/bounces")
async def get_bounces(
    caller: Reader,
    database: DatabaseOf,
    since: Annotated[Moment | None, Query(description="30 days ago, when not given")] = None,
) -> Page[ReferralsOut]:
    """Of the cases received since then, how many each rule referred and how many of these bounced; the worst first."""
    async with database.transaction() as tx:
        found = await referrals_by_rule(tx, since or _now() - USUAL_SPAN)
    return Page(
        items=[
            ReferralsOut(
                rule=one.rule, referred=one.referred, bounces=one.bounced, rate=round(one.bounced / one.referred, 4)
            )
            for one in found
        ]
    )


async def _read(text: str, known: Known) -> RuleSet:
    """The rule set, read in a thread; Problem 422 with the rule, the line and the reason of each mistake."""
    try:
        return await asyncio.to_thread(read, text, known)
    except RuleProblems as error:
        fields = [FieldError("/yaml", _in_words(one)) for one in error.problems]
        raise Problem(422, "These are no rules yet; see `errors` for each line. Nothing was stored.", fields) from error


def _in_words(problem: RuleProblem) -> str:
    where = f"line {problem.line}, rule “{problem.rule}”" if problem.rule else f"line {problem.line}"
    return f"{where}: {problem.reason}"


async def _add(tx: Transaction, draft: Draft, rules: RuleSet, now: datetime) -> Added:
    if draft.valid_until is not None and draft.valid_until <= max(draft.valid_from, now):
        over = FieldError("/valid_until", "it lies before the version begins")
        raise Problem(422, "The version would lapse before it begins.", [over])
    try:
        return await add_version(tx, draft, rules, now)
    except Superseded as error:
        detail = f"Version {error.newest} was added meanwhile; look at it, and send yours based on it."
        raise Problem(409, detail, more={"newest": error.newest}) from error


def _added(added: Added) -> Mapping[str, Any]:
    return {
        "version": added.version,
        "begins": added.begins.isoformat(),
        "unproven": list(added.rules.unproven),
    }


async def _first(key: Key | None, tx: Transaction) -> Mapping[str, Any] | None:
    """What was answered to this key before; Problem 422 when that was another body."""
    first = (await first_answers([key.key], tx)).get(key.key) if key else None
    if key is None or first is None:
        return None
    if (clash := first.clash(key.body)) is not None:
        raise clash
    return first.answer


def _created(answer: Mapping[str, Any], *, replayed: bool = False) -> Response:
    headers = {"Location": f"/v1/rules/versions/{answer['version']}"}
    return json_answer(dict(answer), 201, headers | ({"Idempotency-Replayed": "true"} if replayed else {}))


async def _rules(tx: Transaction, version: int) -> RulesOut | None:
    """A version with its text."""
    found, text = await version_of(tx, version), await text_of(tx, version)
    if found is None or text is None:
        return None
    about = _version(found, await version_in_force(tx, _now()))
    return RulesOut(**about.model_dump(), newest=await newest(tx), yaml=text)


def _version(version: Version, in_force: int | None) -> VersionOut:
    return VersionOut(**asdict(version), in_force=version.version == in_force)


def _shown(request: Request, rules: RulesOut) -> Response:
    """As JSON, or as YAML for those who ask for it."""
    headers = {"Content-Location": f"/v1/rules/versions/{rules.version}", "Vary": "Accept"}
    wanted = (part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(","))
    if YAML in wanted:
        return Response(rules.yaml, headers=headers, media_type=YAML)
    return json_answer(rules.model_dump(mode="json"), headers=headers)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    [version] = decode_cursor(cursor, 1)
    if type(version) is not int or not 0 < version < _LARGEST:
        raise Problem(422, "`cursor` is not one that a list gave; leave it out to begin at the start.")
    return version


def _now() -> datetime:
    return datetime.now(UTC)

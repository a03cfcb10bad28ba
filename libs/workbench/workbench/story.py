"""What the demo shows at its end: the day's shifts, and the story of one case."""

from typing import Any, Protocol

from rich.console import Console
from rich.table import Table


class Reads(Protocol):
    """Something that can ask a service."""

    async def get(self, service: str, path: str, **query: str) -> Any:
        """The answer's JSON."""


def print_shifts(console: Console, shifts: list[dict[str, Any]], title: str = "the day by shifts") -> None:
    """The shift table: a column a shift."""
    shown = [shift for shift in shifts if any(shift["contacts"].values())]
    table = Table("", *(f"{shift['day_jalali'][5:]} {shift['shift']}" for shift in shown), title=title)
    for name, values in zip(_ROWS, zip(*map(_column, shown), strict=True), strict=True):
        table.add_row(name, *map(str, values))
    console.print(table)


_ROWS = (
    *("contacts by phone", "contacts by social networks", "contacts by app"),
    *("calls offered", "calls answered", "calls abandoned", "wait, mean / 95th percentile, s"),
    *("deflected to a callback / a link", "messages of the deflected", "messages"),
    *("handled in nahiye", "handled at HQ", "referred within a second", "answered within the deadline"),
    *("urgent ones in time", "SMS sent", "SMS delivered", "accepted (31)", "objected (33)"),
)
_SHARES = ("handled_in_nahiye", "handled_at_hq", "referred_within_a_second", "answered_within_deadline")


def _column(shift: dict[str, Any]) -> list[Any]:
    contacts, calls = shift["contacts"], shift["calls"]
    waits = f"{calls['mean_wait'] or 0:.0f} / {calls['p95_wait'] or 0:.0f}"
    ways = f"{shift['deflected']['callback']} / {shift['deflected']['link']}"
    return [
        *(contacts["phone"], contacts["social"], contacts["app"]),
        *(calls["offered"], calls["answered"], calls["abandoned"], waits),
        *(ways, shift["deflected_messages"], shift["messages"]),
        *(_percent(shift[name]) for name in (*_SHARES, "urgent_answered_in_time")),
        *(shift["sms_sent"], shift["sms_delivered"], shift["accepted"], shift["objected"]),
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


async def print_story(console: Console, run: Reads, code: str) -> None:
    """One case from the citizen's words to the acceptance, with its times."""
    message = await run.get("intake", f"/v1/messages/{code}")
    told = await run.get("reporting", f"/v1/cases/{code}/timeline")
    console.print(f"\n[bold]the story of {code}[/] ({message['channel']}): {message['text']}")
    for step in told["steps"]:
        detail = ", ".join(f"{name} {value}" for name, value in step["detail"].items() if value)
        console.print(f"  {step['at'][11:23]}  {step['step']:<15} {detail}", soft_wrap=True)

"""What the sandbox delivered: one line of JSON a call, appended; the same `localid` is delivered once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from workbench.sandbox.lines import whole_lines

DELIVERY_SECONDS = 0.5  # from taking an SMS over to the receipt


@dataclass(slots=True)
class Sms:
    """One SMS as it reached a citizen."""

    messageid: int
    localid: str
    receptor: str
    message: str
    sent_at: float
    asked: int = 1  # how often the provider was asked to send it

    @property
    def status(self) -> int:
        """Kavenegar's number: 10 delivered, 5 on its way."""
        return 10 if time.time() - self.sent_at > DELIVERY_SECONDS else 5


class Ledger:
    """Append-only on disk, indexed in memory; a kill -9 loses nothing that was answered."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.sent: list[Sms] = []
        self._by_localid: dict[str, Sms] = {}
        self._by_id: dict[int, Sms] = {}
        for line in whole_lines(path):
            for row in orjson.loads(line):
                self._remember(Sms(*row))
        self._file = path.open("ab", buffering=0)

    def deliver(self, items: Sequence[tuple[str, str, str]]) -> list[Sms]:
        """Take over (localid, receptor, message) each; those taken before are answered as they were."""
        delivered: list[Sms] = []
        fresh: list[Sms] = []
        for localid, receptor, message in items:
            known = self._by_localid.get(localid) if localid else None
            if known is None:
                known = Sms(1_000_000 + len(self.sent), localid, receptor, message, time.time())
                self._remember(known)
                fresh.append(known)
            else:
                known.asked += 1
            delivered.append(known)
        if fresh:
            rows = [[s.messageid, s.localid, s.receptor, s.message, s.sent_at] for s in fresh]
            self._file.write(orjson.dumps(rows) + b"\n")
        return delivered

    def find(self, messageid: int) -> Sms | None:
        """An SMS by the provider's id."""
        return self._by_id.get(messageid)

    def find_local(self, localid: str) -> Sms | None:
        """An SMS by the sender's id."""
        return self._by_localid.get(localid)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _remember(self, sms: Sms) -> None:
        self.sent.append(sms)
        self._by_id[sms.messageid] = sms
        if sms.localid:
            self._by_localid[sms.localid] = sms

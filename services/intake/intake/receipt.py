"""What a caller gets for a contact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Receipt:
    """The code, when it was taken, and what to mind."""

    code: str | None
    received_at: datetime
    warnings: Sequence[str] = ()
    replayed: bool = False

    def document(self) -> dict[str, Any]:
        """The answer's JSON."""
        document: dict[str, Any] = {"code": self.code, "received_at": self.received_at.isoformat()}
        return document | {"warnings": list(self.warnings)} if self.warnings else document

    @classmethod
    def again(cls, document: Mapping[str, Any]) -> Self:
        """The first answer, once more."""
        received_at = datetime.fromisoformat(document["received_at"])
        return cls(document["code"], received_at, tuple(document.get("warnings", ())), replayed=True)

"""By which means a citizen is reached: the one they came by where we have it, else SMS where there is a number."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from common.events import SealedAddress

SMS, PUSH, CHAT = "sms", "push", "chat"
NO_NUMBER = "no number that can get SMS"


class Way(NamedTuple):
    """How a citizen is told: the means, the number and the account (ciphertext), and what it keeps its turn with.
    Where there is no way `tellable` is false; beside another means a number says that SMS is the way should it fail."""

    means: str
    phone: str | None
    account: str | None = None
    sequence: str | None = None
    tellable: bool = True


@dataclass(frozen=True)
class Reach:
    """The means that this notify has besides SMS: `push`, and messengers as `platform` or `platform/account`."""

    means: Collection[str] = ()

    def way(self, wanted: str, reply_to: SealedAddress, platform: str | None, code: str | None) -> Way:
        """The way to a citizen, by the means of the matrix: `sms`, `push` or `chat`."""
        number = reply_to.phone if reply_to.sms else None
        if wanted == PUSH and PUSH in self.means and reply_to.account:
            return Way(PUSH, number, reply_to.account, code or reply_to.account_lookup)
        if wanted == CHAT and reply_to.account and (messenger := self._messenger(platform or "")):
            return Way(messenger, number, reply_to.account, reply_to.account_lookup or reply_to.account)
        return Way(SMS, reply_to.phone, tellable=reply_to.sms)

    def _messenger(self, platform: str) -> str | None:
        """Our account with a platform: the very one where it is named, else the first with that platform."""
        if platform == PUSH:  # the app's webhook is nobody's messenger
            return None
        if platform in self.means:
            return platform
        return next((name for name in self.means if name.partition("/")[0] == platform.partition("/")[0]), None)

"""How fast a platform lets us send: token buckets, overall and for each chat. Pure; the clock is given."""

from collections import OrderedDict
from dataclasses import dataclass

MOST_CHATS = 10_000  # remembered; a full bucket is as good as none


@dataclass(slots=True)
class Bucket:
    """`rate` tokens a second, at most `burst` of them; `at` is the clock, in seconds, when `tokens` was true."""

    rate: float
    burst: float
    tokens: float
    at: float

    @classmethod
    def full(cls, rate: float, burst: float, now: float) -> "Bucket":
        """One that nobody has drawn from."""
        return cls(rate, burst, burst, now)

    def left(self, now: float) -> float:
        """Tokens at that moment; less than none where they were promised ahead."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)
        return self.tokens

    def take(self, now: float) -> float:
        """Draw one, and how many seconds later it is there."""
        left = self.left(now)
        self.tokens = left - 1.0
        return max(0.0, (1.0 - left) / self.rate)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform allows: a second and at once, overall and in one chat."""

    overall: float
    overall_burst: float
    chat: float
    chat_burst: float

    def scaled(self, share: float) -> "Limits":
        """The share of it that one replica may use."""
        return Limits(self.overall * share, max(1.0, self.overall_burst * share), self.chat, self.chat_burst)


class Pace:
    """The limits of one account with a platform, and how much of them is used."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._overall = Bucket.full(limits.overall, limits.overall_burst, now)
        self._chats: OrderedDict[str, Bucket] = OrderedDict()
        self._held_until = now

    def room(self, now: float) -> int:
        """How many may be sent now."""
        return 0 if now < self._held_until else max(0, int(self._overall.left(now)))

    def wait(self, now: float) -> float:
        """Seconds until there is room for one."""
        missing = (1.0 - self._overall.left(now)) / self._limits.overall
        return max(0.0, missing, self._held_until - now)

    def take(self, chat: str, now: float) -> float:
        """Draw for one in that chat; the seconds to wait before it is sent."""
        bucket = self._chats.pop(chat, None) or Bucket.full(self._limits.chat, self._limits.chat_burst, now)
        self._chats[chat] = bucket
        if len(self._chats) > MOST_CHATS:
            self._chats.popitem(last=False)
        return max(self._overall.take(now), bucket.take(now))

    def hold(self, seconds: float, now: float) -> None:
        """Send nothing for so long: the platform asked for it."""
        self._held_until = max(self._held_until, now + seconds)

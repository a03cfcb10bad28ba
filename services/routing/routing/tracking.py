"""What a citizen is told of a case who asks for it by its code: where it stands, in words."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from common.calendar import jalali_moment
from common.db import Transaction
from common.events import Event, NotificationRequested, Prompt, PromptRequested, Status, StatusAsked, Told

from routing.city import City
from routing.models import Case

IN_WORDS: Mapping[Status, str] = {
    Status.REGISTERED: "ثبت شده و در انتظار ارجاع است",
    Status.REFERRED: "ارجاع شده و در نوبت رسیدگی است",
    Status.JOINED: "همراه با گزارش دیگری از همین مورد در دست رسیدگی است",
    Status.IN_PROGRESS: "مامور برای بازدید تعیین شده است",
    Status.INSPECTED: "بازدید شده و در دست اقدام است",
    Status.DEFERRED: "برای زمان دیگری برنامه‌ریزی شده است",
    Status.WAITING: "در انتظار پاسخ شماست",
    Status.ANSWERED: "پاسخ داده شده است؛ برای تایید ۳۱ و برای اعتراض ۳۳ را بفرستید",
    Status.ACCEPTED: "پاسخ داده و از سوی شما تایید شده است",
    Status.REOPENED: "پس از اعتراض شما دوباره در دست رسیدگی است",
    Status.CLOSED: "بسته شده است",
}


def tell_status_with(city: City) -> Callable[[Sequence[StatusAsked], Transaction], Awaitable[None]]:
    """The handler of questions after a case."""

    async def tell_status(asked: Sequence[StatusAsked], tx: Transaction) -> None:
        """Each asker is told on the channel of the question; a code that nobody has is said to be one."""
        for question in asked:
            case = await tx.session.get(Case, question.code)
            tx.publish(_unknown(question) if case is None else _standing(case, question, city), because=question)

    return tell_status


def _standing(case: Case, asked: StatusAsked, city: City) -> Event:
    return NotificationRequested(
        at=asked.at,
        code=case.code,
        revision=asked.id.int % 2**31,  # who asks again is told again, and so is who asks at the same moment
        told=Told.STATUS,
        unit_title=city.unit(case.unit).title_fa,
        topic_title=city.title_of(case.topic),
        outcome=f"{IN_WORDS[Status(case.status)]} (ثبت: {jalali_moment(case.received_at)})",
        channel=asked.channel,
        platform=asked.platform,
        reply_to=asked.reply_to,
    )


def _unknown(asked: StatusAsked) -> Event:
    return PromptRequested(
        at=asked.at,
        prompt=Prompt.UNKNOWN_CODE,
        values={"code": asked.code},
        channel=asked.channel,
        platform=asked.platform,
        reply_to=asked.reply_to,
    )

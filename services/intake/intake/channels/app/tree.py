"""The topics as the app shows them: by deputy, with what to ask for."""

from collections.abc import Iterable

from intake.channels.app.own_schemas import TopicGroup, TopicShown, TopicTree
from intake.topics import Topic

# To be shown beside the text; each of them alone puts a message into the urgent lane, which a test keeps so.
URGENT_WORDS = (
    *("آتش‌سوزی", "بوی گاز", "جرقه برق", "سیم لخت برق", "فرونشست", "چاه باز", "درخت افتاده"),
    *("آب‌گرفتگی", "آب وارد خانه شده", "گیر افتاده", "زخمی شده", "سگ حمله کرد"),
)


def tree(topics: Iterable[Topic]) -> TopicTree:
    """Deputies and their topics, in the catalogue's order."""
    groups: dict[str, TopicGroup] = {}
    for topic in topics:
        empty = TopicGroup(deputy=topic.deputy, title_fa=topic.deputy_fa, topics=[])
        groups.setdefault(topic.deputy, empty).topics.append(_shown(topic))
    return TopicTree(items=list(groups.values()), urgent_words=list(URGENT_WORDS))


def _shown(topic: Topic) -> TopicShown:
    return TopicShown(
        code=topic.code,
        title_fa=topic.title_fa,
        title_en=topic.title_en,
        urgent=topic.urgent,
        ours=topic.is_ours,
        wants_place=topic.wants_place,
        wants_photo=topic.wants_photo,
    )

from routing.city import City
from routing.regions import data_rows


def test_every_topic_says_what_is_asked_for_and_every_deputy_has_a_title() -> None:
    topics = City.load().topics
    assert [row["topic"] for row in data_rows("asks.csv")] == list(topics)
    assert {row["deputy"] for row in data_rows("deputies.csv")} == {topic.deputy for topic in topics.values()}
    assert all(topic.deputy_fa != topic.deputy for topic in topics.values())


def test_a_topic_whose_duplicates_are_found_by_place_asks_for_it() -> None:
    city = City.load()
    assert all(city.topics[code].wants_place for code in city.reaches)
    assert not city.topics["OV-THANKS"].wants_place
    assert city.topics["TC-POTHOLE"].wants_photo

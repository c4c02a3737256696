"""Topic names and topic filters (MQTT 3.1.1, 4.7)."""


def is_filter(text: str) -> bool:
    """Whether `text` may be subscribed to: `+` and `#` fill a whole level, `#` only the last one."""
    if not _is_word(text):
        return False
    levels = text.split("/")
    return all(
        level == "+" or (level == "#" and place == len(levels) - 1) or not set(level) & {"+", "#"}
        for place, level in enumerate(levels)
    )


def is_topic(text: str) -> bool:
    """Whether `text` may be published on."""
    return _is_word(text) and not set(text) & {"+", "#"}


def matches(topic_filter: str, topic: str) -> bool:
    """Whether the filter takes the topic; a leading wildcard takes no `$` topic (4.7.2)."""
    if topic_filter == topic:
        return True
    if topic[:1] == "$" and topic_filter[:1] in ("+", "#"):
        return False
    wanted, given = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


def _is_word(text: str) -> bool:
    return 0 < len(text.encode("utf-8", "replace")) <= 65535 and "\x00" not in text

"""The words that the modules of a trainee's pages say."""

from flask_babel import gettext


def words() -> dict[str, str]:
    """By key, beside those of `web.words`; `{name}` is filled in by the modules."""
    return {**_lab(), **_check(), **_editors(), **_tables()}


def _lab() -> dict[str, str]:
    return {
        "lab_begins": gettext("Starting the lab…"),
        "lab_queued": gettext("In the queue: {number} labs before"),
        "devices_ready": gettext("Devices that answer: {number} of {total}"),
        "lab_gone": gettext("Your lab has stopped: reload the page to start it again."),
        "reset_begins": gettext("Going back…"),
        "reset_done": gettext("Done: it is as it was."),
        "reset_device_title": gettext("Reset {device}?"),
        "reset_device_text": gettext("Its configuration becomes the one that this exercise began with. Earlier versions stay in the list."),
        "reset_device_yes": gettext("Reset the device"),
        "reset_checkpoint_title": gettext("Back to the checkpoint?"),
        "reset_checkpoint_text": gettext("The plant and all configurations become what they were when you kept it."),
        "reset_checkpoint_yes": gettext("Back to the checkpoint"),
        "reset_lab_title": gettext("A new lab?"),
        "reset_lab_text": gettext("Plant, configurations and recordings begin anew. Your score, hints and attempts stay."),
        "reset_lab_yes": gettext("A new lab"),
        "checkpoint_kept": gettext("Checkpoint kept."),
        "stop_title": gettext("Stop the lab?"),
        "stop_text": gettext("Your configurations and your score are kept; you can start it again."),
        "stop_yes": gettext("Stop the lab"),
        "stop_begins": gettext("Stopping the lab…"),
    }  # fmt: skip


def _check() -> dict[str, str]:
    return {
        "check_begins": gettext("The check begins…"),
        "check_done": gettext("Checked. Score: {score} out of 100."),
        "check_inconclusive": gettext("Nothing could be concluded; no attempt is spent."),
        "check_wait": gettext("Next check in {time}"),
        "check_none_left": gettext("No attempt is left."),
        "hint_title": gettext("A hint for “{name}”?"),
        "hint_cost": gettext("It takes {cost} points off this step only, and stays visible."),
        "hint_free": gettext("It costs nothing, and stays visible."),
        "hint_take": gettext("Take the hint"),
        "hint_later": gettext("in {time}"),
    }


def _editors() -> dict[str, str]:
    return {
        "in_force": gettext("In force in the device."),
        "draft_kept": gettext("Not applied yet; your draft is kept in this browser."),
        "applying": gettext("Applying…"),
        "applied": gettext("Applied: the device runs with it."),
        "choose_version": gettext("Choose a version…"),
        "version_default": gettext("Beginning of the exercise"),
        "version_in_force": gettext("In force now"),
        "version_of": gettext("Version {number}, {date}"),
        "no_difference": gettext("No difference."),
        "line_gone": gettext("removed:"),
        "line_new": gettext("added:"),
        "rules_saved": gettext("Saved: the next check uses these rules."),
        "rules_none": gettext("No rule yet."),
        "rules_draft": gettext("Not saved yet; your draft is kept in this browser."),
        "rules_trying": gettext("Looking through the events…"),
        "rules_found": gettext("Alerts: {alerts}, from {rules} rules over {events} events."),
        "alerts": gettext("Alerts"),
        "alert_rule": gettext("Rule"),
        "alert_asset": gettext("About"),
        "alert_technique": gettext("Technique"),
        "alert_count": gettext("Times"),
    }


def _tables() -> dict[str, str]:
    return {
        "attack_begins": gettext("The attack begins…"),
        "events_shown": gettext("Events shown: {number}"),
        "monitor_learning": gettext("Learning its baseline: {number} of {total} windows."),
        "monitor_normal": gettext("Baseline learnt; no alarm."),
        "monitor_alarm": gettext("The monitor's alarm is on."),
        "monitor_none": gettext(
            "No machine is watched: list some under `assets` in the configuration of {device}, and apply it."
        ),
        "monitor_waiting": gettext(
            "No window heard yet: one comes about every ten seconds of the line's time."
        ),
        "monitor_alarm_at": gettext("100 %: alarm"),
        "monitor_none_normal": gettext("Baseline not learnt yet"),
        "monitor_chart": gettext("{name} over time"),
    }

"""The words that the instructor's modules say."""

from flask_babel import gettext


def words() -> dict[str, str]:
    """By key, beside those of `web.words`; `{name}` is filled in by the page."""
    return {
        "outcome_pass": gettext("Passed"),
        "outcome_fail": gettext("Not passed"),
        "outcome_inconclusive": gettext("Inconclusive"),
        "outcome_none": gettext("Not checked yet"),
        "lab_none": gettext("No lab"),
        "lab_waiting": gettext("Waiting"),
        "lab_starting": gettext("Starting"),
        "lab_running": gettext("Running"),
        "lab_failed": gettext("Failed"),
        "lab_lost": gettext("Lost"),
        "lab_paused": gettext("Paused"),
        "title": gettext("{name}: {step}"),
        "hints_taken": gettext("hints taken: {number}"),
        "cell": gettext("{name}, step {step}: {outcome}"),
        "ready": gettext("{number} of {all} devices"),
        "queued": gettext("In the queue: {number} labs before"),
        "launch_counts": gettext("{green} of {all} green, {starting} starting, {failed} failed"),
        "launch_done": gettext("Launched: {green} of {all} green in {seconds} s."),
        "launch_idle": gettext("No launch is under way; the labs are shown as they are."),
        "launch_failed": gettext("The launch stopped: {reason}"),
        "selected": gettext("{number} selected"),
        "none_selected": gettext("Nobody selected: actions go to all {number} labs"),
        "no_target": gettext("Nobody selected has begun this exercise."),
        "shown_rows": gettext("{number} of {all} shown"),
        "counts": gettext("running: {running}, failed: {failed}, finished: {finished}, mean score {mean}"),
        "to_labs": gettext("To {number} labs: {names}"),
        "to_lab": gettext("To the lab of {names}"),
        "and_others": gettext("and {number} others"),
        "working": gettext("{action}: at work on {number} labs…"),
        "all_done": gettext("{action}: done in {done} labs."),
        "some_done": gettext("{action}: done in {done} labs, refused in {failed}."),
        "undo_action": gettext("Undo: {action}"),
        "rows_changed": gettext("The list has changed: reload the page."),
        "matrix_lost": gettext("Connection lost: what is shown is old. Trying again…"),
        "no_truth": gettext("No lab runs: nothing to compare."),
        "differences": gettext("Values that differ from the truth: {number}"),
        "never": gettext("never"),
        "copied_all": gettext("{number} links copied"),
    }

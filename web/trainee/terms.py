"""The words of the schema's codes: tracks, levels, sectors, competences, outcomes, what happened."""

from flask_babel import gettext

from lab.exercises.references import competences, standards
from web.language import reader


def terms() -> dict[str, dict[str, str]]:
    """By kind, then by code, in the reader's language."""
    return {
        "track": {
            "hardening": gettext("Hardening"),
            "detection": gettext("Attack detection"),
            "maintenance": gettext("Predictive maintenance"),
            "awareness": gettext("Awareness"),
        },
        "level": {
            "awareness": gettext("Awareness, everybody"),
            "technician": gettext("Technician"),
            "engineer": gettext("Engineer"),
            "specialist": gettext("Specialist"),
        },
        "sector": {
            "mechanical": gettext("Mechanical industry"),
            "agri_food": gettext("Agri-food"),
            "chemistry": gettext("Chemistry and plastics"),
            "electronics": gettext("Electrical and electronic equipment"),
            "health": gettext("Health and pharmaceuticals"),
        },
        "competence": {code: reader(known.name) for code, known in competences().items()},
        "standard": {code: reader(name) for code, name in standards().items()},
        "outcome": {
            "pass": gettext("Passed"),
            "fail": gettext("Not yet"),
            "inconclusive": gettext("Could not be observed"),
            "none": gettext("Not checked"),
        },
        "phase": {
            "before": gettext("Before you acted"),
            "after": gettext("Now"),
            "after_restart": gettext("After the device's restart"),
        },
        "lab": {
            "none": gettext("Not started"),
            "starting": gettext("Starting"),
            "running": gettext("Running"),
            "failed": gettext("Failed"),
            "lost": gettext("Lost"),
        },
        "event": {
            "opened": gettext("Exercise opened"),
            "lab_started": gettext("Lab started"),
            "lab_stopped": gettext("Lab stopped"),
            "lab_lost": gettext("Lab lost"),
            "configuration": gettext("Configuration applied"),
            "reverted": gettext("Earlier configuration put back"),
            "rules": gettext("Rules saved"),
            "hint": gettext("Hint taken"),
            "check_started": gettext("Check asked for"),
            "checked": gettext("Checked"),
            "check_failed": gettext("The check could not be made"),
            "reset": gettext("Reset"),
            "checkpoint": gettext("Checkpoint kept"),
            "extended": gettext("Time extended"),
            "fault": gettext("Fault injected"),
            "attack": gettext("Attack"),
            "paused": gettext("Paused"),
            "resumed": gettext("Resumed"),
            "note": gettext("Note"),
        },
    }

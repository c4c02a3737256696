"""`lab endpoints`: where one's own tools reach the line."""

import typer

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import console, print_json, say, table

EXAMPLES = {
    "modbus": "mbpoll -0 -a 1 -t 4 -r 2048 -c 4 -1 -p {port} {host}",
    "opcua": "opc.tcp://{host}:{port}",
    "mqtt": "mosquitto_sub -h {host} -p {port} -t '#' -v",
}


def endpoints(name: LabName, as_json: AsJson = False) -> None:
    with attach(name) as lab:
        found = lab.request("endpoints")
    if as_json:
        print_json(found)
        return
    made = table(
        say("Équipement", "Device"),
        say("Protocole", "Protocol"),
        say("Adresse", "Address"),
        say("Exemple", "Example"),
    )
    for end in found:
        example = EXAMPLES[end["protocol"]].format(**end)
        made.add_row(end["device"], end["protocol"], f"{end['host']}:{end['port']}", example)
    console.print(made)


def register(app: typer.Typer) -> None:
    app.command(help=say("Où vos propres outils joignent la ligne.", "Where your own tools reach the line."))(
        endpoints
    )

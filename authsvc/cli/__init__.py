"""
The command line: ``authsvc …``.

Exit codes are a promise: 0 done, 1 refused (one sentence on standard error, no traceback), 2 wrong usage. A command
that a program may read has ``--json``; what is for people only goes to standard error. A family of commands is
imported when it is asked for, so that ``--help`` is there at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from authsvc.errors import AuthsvcError

_FAMILIES = {
    "init": ("setting_up:init", "Make a home: secrets, key folder, database."),
    "demo": ("demonstration:demo", "Show the whole service with sample data."),
    "serve": ("serving:serve", "Answer scans over HTTP."),
    "worker": ("working:worker", "Run the jobs: mail, webhooks, scan tables made ahead."),
    "db": ("setting_up:db_group", "Look after the database."),
    "doctor": ("doctoring:doctor", "Check the installation and say what is wrong."),
    "backup": ("backing_up:backup", "Write everything into one file."),
    "restore": ("backing_up:restore", "Bring a backup back into an empty home, and check it."),
    "brands": ("brands:brands", "Register brands."),
    "products": ("products:products", "Register products."),
    "keys": ("keys:keys", "Make, list, activate, retire and revoke signing keys."),
    "devices": ("devices:devices", "Trust devices of the brand's own people."),
    "api-key": ("api_keys:api_key", "Make, list, rotate and revoke the keys of programs."),
    "issue": ("issuing:issue", "Issue codes into a CSV file."),
    "labels": ("labelling:labels", "Print the labels of issued codes: PDF, ZPL, SVG, PNG, EPS, CSV."),
    "verify": ("verifying:verify", "Check one code, with or without the service."),
    "verify-evidence": ("evidence:verify_evidence", "Check sealed evidence, with the brand's published keys alone."),
    "line": ("lines:line_group", "Commission codes as production lines report them."),
    "links": ("links:links_group", "Say where codes lead to beside their check: manuals, passports, certificates."),
    "messaging": ("messaging:messaging_group", "Answer wholesalers by GS1 Lightweight Messaging."),
    "recall": ("recalls:recall", "Recall a product, a lot or a range of codes."),
    "runs": ("runs:runs_group", "List runs, and void codes that were never used."),
    "sites": ("runs:sites_group", "Printers and sites, and how many codes each may have."),
    "items": ("item_data:items_group", "Condition, facts, records and new labels of single items."),
    "staff": ("staffing:staff_group", "Invite people to the console."),
    "audit": ("auditing:audit_group", "Check the log of everything that was done."),
    "retention": ("retaining:retention_group", "End what is kept of people when its time has come."),
    "webhooks": ("webhooks:webhooks_group", "Tell other systems of a brand what happens."),
    "alert-mails": ("alert_mails:alert_mails_command", "Show or change who is mailed about new alerts."),
    "advise": ("advising:advise", "Say whether a product should carry batch or serial codes, and why."),
    "replay": ("replaying:replay", "Judge a recorded trace for copies, without a database."),
    "simulate": ("simulating:simulate", "Make a trace of genuine and copied items, with the truth beside it."),
}


class _LazyGroup(click.Group):
    """Imports a command when it runs; its help line is known without."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the families in the order in which a new user needs them."""
        return list(_FAMILIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import and return one command."""
        if cmd_name not in _FAMILIES:
            return None
        module, name = _FAMILIES[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"authsvc.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  as above
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _FAMILIES.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="authsvc")
def cli() -> None:
    """
    Run the anti-counterfeiting authentication service.

    Begin with `authsvc init`, then add a brand, import products, make a key and issue codes. The settings are
    variables named AUTHSVC_*, over those in the file settings.env of AUTHSVC_HOME (default: var).
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments ask for (the console script ``authsvc``)."""
    try:
        cli(arguments, prog_name="authsvc")
    except AuthsvcError as error:
        refuse(str(error))
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def refuse(sentence: str) -> None:
    """End with exit code 1 and a sentence that says why."""
    for line in sentence.splitlines():
        click.echo(f"authsvc: {line}", err=True)
    sys.exit(1)

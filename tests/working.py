"""A worker of a scene that can sign: it does every errand that waits, in this thread."""

import csv
import io
from dataclasses import replace
from urllib.parse import urlsplit

from authsvc import errand_work, key_files
from authsvc.deliveries import Courier

PASSPHRASE = "a passphrase for tests"


def signing_config(scene):
    """Keep the private key of Halden where a worker looks for it, and return the settings of that worker."""
    home = scene.config.home
    passphrase = home / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(f"{PASSPHRASE}\n")
    keys = home / "keys"
    signer = scene.signer(scene.halden)
    if not keys.exists():
        key_files.write_private(keys, PASSPHRASE.encode(), scene.halden.id, signer.key_id, signer.private)
    return replace(scene.config, keys_dir=keys, passphrase_file=passphrase)


def work(scene):
    """Do what waits; let the application see the register as it is then."""
    courier = replace(Courier.make(signing_config(scene), scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state IN ('waiting', 'running')"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()
    scene.refresh()


def codes_of(text):
    """Return the rows of a file of codes."""
    return list(csv.DictReader(io.StringIO(text)))


def path_of(row):
    """Return path and query of a code, as a phone requests them."""
    return urlsplit(row["uri"])._replace(scheme="", netloc="").geturl()

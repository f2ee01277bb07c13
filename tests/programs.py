"""Programs with an API key: what tests of the API send, and the worker that does what they ordered."""

from dataclasses import dataclass, replace
from uuid import uuid4

from browsing import BASE_URL
from flask import Flask
from werkzeug.test import TestResponse

from authsvc import api_keys, errand_work, key_files
from authsvc.core.api_keys import SCOPES
from authsvc.core.register import Brand
from authsvc.deliveries import Courier
from authsvc.runtime import new_id

PASSPHRASE = "a passphrase for tests"


def make_key(scene, brand: Brand | None = None, *scopes: str, **options) -> api_keys.NewSecret:
    """Make a key of a brand; without scopes, one that may do everything."""
    with scene.owner_session() as session:
        return api_keys.make_key(
            session, (brand or scene.halden).id, options.pop("name", "ERP"), scopes or tuple(SCOPES), id=new_id(),
            made_by="A test", random=scene.random, now=scene.clock(), **options,
        )  # fmt: skip


@dataclass
class Program:
    """A program that calls the API with one key."""

    app: Flask
    secret: str

    def open(self, method: str, path: str, body=None, *, repeats: str | None = None, **headers) -> TestResponse:
        """Send a request; a POST gets an idempotency key of its own unless one is given."""
        sent = {"Authorization": f"Bearer {self.secret}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if method == "POST":
            sent["Idempotency-Key"] = repeats or str(uuid4())
        path = path if path.startswith(("/api/", "/.")) else f"/api/v1{path}"
        return self.app.test_client().open(path, method=method, json=body, headers=sent, base_url=BASE_URL)

    def get(self, path: str, **headers) -> TestResponse:
        return self.open("GET", path, **headers)

    def post(self, path: str, body=None, **headers) -> TestResponse:
        return self.open("POST", path, body, **headers)

    def put(self, path: str, body=None, **headers) -> TestResponse:
        return self.open("PUT", path, body, **headers)


def program(scene, brand: Brand | None = None, *scopes: str, **options) -> Program:
    """Send in a program with a key of its own."""
    return Program(scene.app, make_key(scene, brand, *scopes, **options).text)


def worker_settings(scene):
    """Keep the private key of Halden where a worker looks for it, and return the settings of that worker."""
    home = scene.config.home
    passphrase = home / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(f"{PASSPHRASE}\n")
    signer = scene.signer(scene.halden)
    keys = home / "keys"
    key_files.write_private(keys, PASSPHRASE.encode(), scene.halden.id, signer.key_id, signer.private)
    return replace(scene.config, keys_dir=keys, passphrase_file=passphrase)


def work(scene, settings) -> None:
    """Do what was ordered."""
    courier = replace(Courier.make(settings, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state IN ('waiting', 'running')"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()
    scene.refresh()

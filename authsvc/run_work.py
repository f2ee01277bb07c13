"""
Issuing by the worker: an approved order becomes a run, and its codes an encrypted file that the console hands out.

The order of things is that of ``issuing``: the run is opened and committed before the first code, and its codes count
once all of them are stored. That they count and what came of the order is one commit, so a worker that is killed at any
point leaves either nothing that counts or the whole; a turn that finds the whole does nothing more.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from authsvc import (
    audit,
    catalogue,
    code_files,
    errands,
    export_files,
    issuing,
    key_files,
    label_replacements,
    run_orders,
    serial_rows,
    signing_keys,
)
from authsvc.core import codes
from authsvc.core.register import Brand, Product
from authsvc.deliveries import Courier
from authsvc.errands import Errand, Stopped
from authsvc.errors import AuthsvcError
from authsvc.run_orders import RunOrder

WORKER = audit.Actor("system", None, "worker")
PIECE = 2**20

Tell = Callable[[int, int | None], None]


def issue(courier: Courier, errand: Errand, tell: Tell) -> Mapping[str, Any] | None:
    """
    Issue what was ordered, and finish the errand; return what came of it where an earlier turn has issued it.

    Raises:
        AuthsvcError: It cannot be issued, and why.
        Stopped: Somebody has cancelled it.
    """
    with courier.sessions.begin() as session:
        wanted = run_orders.get(session, errand.brand_id, errand.id)
        product = catalogue.get_product(session, wanted.gtin)
        brand = catalogue.get_brand_by_id(session, product.brand_id)
        if wanted.result:
            return wanted.result
        export_files.remove(session, errand.id)
        if wanted.run is not None:
            # The turn before was cut off while its codes did not count. Of a run that did fail, this changes nothing.
            issuing.fail_number(session, brand, wanted.run, "The worker was ended while it made the codes.")
    run, recipe = _open(courier, brand, product, wanted)
    try:
        _make(courier, brand, product, wanted, run, recipe, errand, tell)
    except BaseException as error:
        failure = "It was cancelled." if isinstance(error, Stopped) else type(error).__name__
        if isinstance(error, AuthsvcError):
            failure = str(error)
        with courier.sessions.begin() as session:
            issuing.fail_run(session, brand, run, failure)
            audit.record(session, brand.id, WORKER, "run.fail", str(run.number), {"failure": failure}, at=courier.now())
        raise
    return None


# --- Private ---------------------------------------------------------------------------------------------------------


def _open(courier: Courier, brand: Brand, product: Product, wanted: RunOrder) -> tuple[issuing.OpenRun, codes.Recipe]:
    config = courier.config
    with courier.sessions.begin() as session:
        key = signer = None
        if product.token != "none":
            key = signing_keys.get_active_key(session, brand.id, product.token, wrapping_key=courier.wrapping_key)
            passphrase = b"" if key.mac is not None else key_files.read_passphrase(config.passphrase_file)
            signer = key_files.load_signer(config.keys_dir, passphrase, key)
        run = issuing.open_run(session, brand, product, wanted.order, key=key, now=courier.now())
        run_orders.note_run(session, brand.id, wanted.id, run.number, None)
        details = {"gtin": product.gtin, "lot": wanted.order.lot, "count": wanted.order.count, "order": str(wanted.id)}
        audit.record(session, brand.id, WORKER, "run.open", str(run.number), details, at=courier.now())
        claim_key = None
        if run.claim_key is not None:
            claim_key = signing_keys.load_claim_key(session, brand.id, run.claim_key, wrapping_key=courier.wrapping_key)
        recipe = issuing.make_recipe(
            brand,
            product,
            run,
            base_url=f"https://{brand.hosts[0]}" if brand.hosts else config.base_url,
            signer=signer,
            serial_keys=signing_keys.load_serial_keys(session, brand.id, wrapping_key=courier.wrapping_key),
            claim_key=claim_key,
        )
    return run, recipe


def _make(
    courier: Courier,
    brand: Brand,
    product: Product,
    wanted: RunOrder,
    run: issuing.OpenRun,
    recipe: codes.Recipe,
    errand: Errand,
    tell: Tell,
) -> None:
    count, digest, parts, size = wanted.order.count, hashlib.sha256(), 0, 0
    with courier.sessions.begin() as session:
        blocks: Iterator[code_files.Block] = code_files.index_blocks(count)
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=courier.wrapping_key)
        if run.mode in {issuing.Mode.RANDOM, issuing.Mode.IMPORTED}:
            serial_rows.load(
                session,
                brand,
                product,
                _serials(session, courier, product, wanted),
                run=run.number,
                lot=wanted.order.lot,
                claim_key=run.claim_key,
                expires_on=wanted.order.expires_on,
                serial_keys=keys,
            )
            blocks = serial_rows.blocks(session)
        # One core stays with those who wait for mails and webhooks.
        cores = max(len(os.sched_getaffinity(0)) - 1, 1)
        for piece, made in _pieces(code_files.texts(recipe, blocks, count, cores=cores), tell, count):
            parts, size = parts + 1, size + len(piece)
            digest.update(piece)
            with courier.sessions.begin() as storing:
                # First the row of the errand: whoever has taken it up meanwhile removes what was written before.
                errands.tell(storing, errand, done=made, total=count)
                export_files.store(
                    storing, errand.id, brand.id, parts, piece, key=courier.wrapping_key, random=courier.random
                )
        result = {"run": run.number, "bytes": size, "parts": parts, "sha256": digest.hexdigest()}
        issuing.close_run(session, brand, product, run, now=courier.now())
        if wanted.order.replaces is not None:
            by = audit.Actor("staff", wanted.ordered_by, wanted.ordered_name)
            label_replacements.complete(session, brand, wanted.order, recipe, by, serial_keys=keys, now=courier.now())
        run_orders.note_run(session, brand.id, wanted.id, run.number, result)
        details = {"gtin": product.gtin, "lot": wanted.order.lot, "count": count, "order": str(wanted.id)}
        audit.record(session, brand.id, WORKER, "run.issue", str(run.number), details, at=courier.now())
        # Here and not later: what was cancelled a moment ago must not count, and what counts cannot be cancelled.
        errands.finish(session, errand, result, now=courier.now())


def _serials(session: Session, courier: Courier, product: Product, wanted: RunOrder) -> Iterator[tuple[int, str]]:
    """Return the numbered serials of a run that are rows: those of a file that was checked, or drawn ones."""
    if wanted.serials is None:
        return serial_rows.drawn(product, wanted.order.count, courier.random)
    checked = errands.get_errand(session, product.brand_id, wanted.serials, errands.SERIALS)
    return ((number, serial) for number, serial in checked.asked["rows"])


def _pieces(texts: Iterator[tuple[str, int]], tell: Tell, count: int) -> Iterator[tuple[bytes, int]]:
    gathered, made = bytearray(), 0
    for text, made in texts:
        gathered += text.encode("ascii")
        tell(made, count)
        if len(gathered) >= PIECE:
            yield bytes(gathered), made
            gathered.clear()
    yield bytes(gathered), made

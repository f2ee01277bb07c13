"""Cases for tests of investigations: items that people check day by day, and what staff and owners do with them."""

from datetime import timedelta

from scene import BERLIN, Scene, session_of

from authsvc import investigations, receipts
from authsvc.core.clones import Fact, FactKind, Place
from authsvc.core.verdicts import Reason
from authsvc.investigations import Subject

PARIS = Place("FR", 48.9, 2.3, 200.0)
FAR = [
    Place("VN", 10.8, 106.7, 200.0), Place("BR", -23.5, -46.6, 200.0), Place("US", 40.7, -74.0, 200.0),
    Place("AU", -33.9, 151.2, 200.0), Place("ZA", -26.2, 28.0, 200.0), Place("JP", 35.7, 139.7, 200.0),
]  # fmt: skip


def subject(scene: Scene, link, product) -> Subject:
    """Return what an investigation of an item is about."""
    about = Subject.of(scene.rt.held, link.gtin, link.serial)
    assert about.product == scene.rt.held.register.find_product(product.gtin)
    return about


def check(scene: Scene, link, **values):
    """Let somebody new scan and confirm."""
    checked = scene.scan(link, **values)
    rt = scene.rt
    receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)
    return checked


def check_daily(scene: Scene, link, places) -> None:
    """Let somebody new check the code every day, the last of them now."""
    scene.clock.ahead -= timedelta(days=len(places))
    for place in places:
        scene.clock.ahead += timedelta(days=1)
        check(scene, link, place=place)


def record(scene: Scene, about: Subject, kind: FactKind, **values) -> None:
    now = scene.clock()
    with session_of(scene) as session, session.begin():
        fact = Fact(kind=kind, at=values.pop("at", now), **values)
        investigations.record_fact(session, about, fact, id=scene.rt.new_id(), by="shop", now=now)


def set_lifecycle(scene: Scene, product) -> None:
    scene.admin.execute("UPDATE products SET has_lifecycle = true WHERE gtin = %s", (product.gtin,))
    scene.refresh()


def score(scene: Scene, about: Subject) -> float:
    with session_of(scene) as session:
        return investigations.weigh(session, about).examination.score


def alert_of(scene: Scene, about: Subject):
    return scene.row("SELECT id FROM alerts WHERE sgtin = %s AND closed_at IS NULL", about.sgtin)[0]


def resolve(scene: Scene, about: Subject, kind: FactKind, **values):
    with session_of(scene) as session, session.begin():
        return investigations.resolve(
            session, about, values.pop("alert", None) or alert_of(scene, about), kind, reason="looked at it", by="ana",
            id=scene.rt.new_id(), now=scene.clock(),
        )  # fmt: skip


def undo(scene: Scene, about: Subject, id_):
    with session_of(scene) as session, session.begin():
        return investigations.undo(session, about, id_, reason="wrong item", by="ana", now=scene.clock())


def flagged_item(scene: Scene):
    """Return a code of which copies were made, and what an investigation of it is about."""
    product = scene.add_product()
    link = scene.issue(product).link()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    return link, subject(scene, link, product)

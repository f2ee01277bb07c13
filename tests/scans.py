"""What tests of scans ask: what was said, what was stored of a refusal, and a page that ran."""

from scene import Scene

from authsvc import receipts, scanning
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Reason


def reason(scene: Scene, path: str, **values) -> Reason:
    return scene.scan(DigitalLink.parse(path), **values).verdict.reason


def rejections(scene: Scene, receipt) -> list[tuple]:
    return scene.rows("SELECT reason, detail, is_issued, key_id FROM rejections WHERE id = %s", receipt)


def confirmed(scene: Scene, link: DigitalLink, **values) -> scanning.Checked:
    checked = scene.scan(link, **values)
    rt = scene.rt
    assert receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)
    return checked


def copy_threshold(scene: Scene, product, visitors: int) -> None:
    scene.admin.execute("UPDATE products SET copy_threshold = %s WHERE gtin = %s", (visitors, product.gtin))
    scene.refresh()

"""
Checks by API key: counted by item and key, apart from every scan.

A program that asks for its own goods all day is no visitor: what it asks is no evidence, never a first check, and is
never confirmed. Only a code that the brand has issued and whose seal holds is counted, and nothing of a product that
counts nobody.
"""

from datetime import datetime
from uuid import UUID

from authsvc.connections import Connections
from authsvc.core.verdicts import Facts, Mark

_COUNT = """
INSERT INTO api_checks (sgtin, key_id, brand_id, count, first_at, last_at)
VALUES (%(sgtin)s, %(key)s, %(brand)s, 1, %(at)s, %(at)s)
ON CONFLICT (sgtin, key_id) DO UPDATE SET count = api_checks.count + 1, last_at = excluded.last_at
RETURNING count"""


def count(connections: Connections, key_id: UUID, facts: Facts, *, at: datetime) -> int | None:
    """
    Count a check; return how many the key has made of this item, None where such a check is not counted.

    Raises:
        Busy: The database did not let it go ahead in time.
        Unavailable: The database does not answer.
    """
    brand = facts.brand
    if brand is None or not facts.is_item or not facts.is_issued or facts.signature.mark is not Mark.VALID:
        return None
    if facts.product is not None and not facts.product.is_tracked:
        return None
    sgtin = f"00.{facts.sscc}" if facts.sscc else f"{facts.gtin}.{facts.serial}"
    row = connections.fetch(_COUNT, {"sgtin": sgtin, "key": key_id, "brand": brand.id, "at": at})
    return int(row.count)

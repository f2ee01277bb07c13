"""
The look of a brand: its colours, and a logo that everybody can see in both themes.

A logo is drawn anew as PNG of at most 128 pixels and a few kilobytes, because it travels with every page. It stands on
the bar at the top, so on that ground of each theme enough of it must stand out; one that does not is refused with the
numbers, and helped by a ground of its own.
"""

import hashlib
import io
from uuid import UUID

from PIL import Image, UnidentifiedImageError
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import looks
from authsvc.core.looks import DARK, GRAPHIC, LIGHT, Look
from authsvc.errors import BadInput, TooLarge
from authsvc.models import Brand
from authsvc.models import Image as StoredImage

MOST_BYTES = 6 * 1024
"""Of a logo as it is stored: a page with all that comes with it has 30 KB."""
LARGEST_FILE = 2 * 2**20
SIDE = 128
_SHARE = 0.05
"""How much of a logo must stand out from its ground."""
_MOST_PIXELS = 16_000_000


def set_look(session: Session, brand_id: UUID, colour: str, colour_dark: str, logo: bytes | None) -> Look:
    """
    Give a brand its colours, and a logo or none.

    Raises:
        BadInput: A colour or the logo cannot be read or seen somewhere; the message has the numbers.
        TooLarge: The logo is too large.
    """
    look = Look.parse(colour, colour_dark)
    if logo is not None:
        content = draw_logo(logo)
        digest = hashlib.sha256(content).hexdigest()
        session.execute(
            insert(StoredImage)
            .values(sha256=digest, brand_id=brand_id, media_type="image/png", data=content)
            .on_conflict_do_nothing()
        )
        look = Look(look.colour, look.colour_dark, f"{digest}.png")
    _store(session, brand_id, look)
    return look


def remove_look(session: Session, brand_id: UUID) -> None:
    """Let the pages of a brand look like those of everybody."""
    _store(session, brand_id, None)


def draw_logo(content: bytes) -> bytes:
    """
    Draw a logo anew, small, after looking at it on both grounds.

    Raises:
        BadInput: It is no picture, or too little of it can be seen.
        TooLarge: The file is too large, or the picture is too rich to become small.
    """
    if len(content) > LARGEST_FILE:
        raise TooLarge(f"The file of a logo has {LARGEST_FILE // 2**20} MiB at most.")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "WEBP")) as source:
            if source.width * source.height > _MOST_PIXELS:
                raise BadInput(f"The logo has {source.width} x {source.height} pixels. {SIDE} x {SIDE} are enough.")
            picture = source.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput("The logo is no PNG or WebP picture that can be read.") from error
    picture.thumbnail((SIDE, SIDE))
    faults = [
        f"on the bar ({ground}) of the {theme} theme {share:.1%} of it stand out"
        for theme, ground in (("light", LIGHT["a card"]), ("dark", DARK["a card"]))
        if (share := _visible(picture, ground)) < _SHARE
    ]
    if faults:
        raise BadInput(
            f"The logo cannot be seen: {', '.join(faults)} with a contrast of {GRAPHIC:g}; {_SHARE:.0%} are needed. "
            "Give it a ground of its own."
        )
    clean = Image.new("RGBA", picture.size)
    clean.paste(picture)
    target = io.BytesIO()
    clean.quantize(64).save(target, "PNG", optimize=True)
    if target.tell() > MOST_BYTES:
        raise TooLarge(f"The logo has {target.tell():,} bytes when it is drawn small; {MOST_BYTES:,} at most.")
    return target.getvalue()


# --- Private ---------------------------------------------------------------------------------------------------------


def _visible(picture: Image.Image, ground: str) -> float:
    """Return how much of a picture has enough contrast to the ground that it is laid on."""
    laid = Image.new("RGBA", picture.size, ground)
    laid.alpha_composite(picture)
    colours = laid.convert("RGB").getcolors(picture.width * picture.height) or []
    total = sum(number for number, _ in colours)
    seen = sum(number for number, colour in colours if looks.contrast(_hex(colour), ground) >= GRAPHIC)
    return seen / total


def _hex(colour: object) -> str:
    assert isinstance(colour, tuple)  # what getcolors returns for RGB
    return "#" + "".join(f"{part:02x}" for part in colour)


def _store(session: Session, brand_id: UUID, look: Look | None) -> None:
    values = {
        "colour": look and look.colour, "colour_dark": look and look.colour_dark, "logo": look and look.logo,
    }  # fmt: skip
    session.execute(update(Brand).where(Brand.id == brand_id).values(values))

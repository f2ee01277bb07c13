"""
Uploads: files that people send, judged by their content alone, never by the name or type that came with them.

A picture is decoded and drawn anew, so what is stored holds the pixels and nothing else: no place, no camera, no second
file behind the picture. A PDF cannot be made harmless; it is stored as it came and only ever handed out as a download
that no browser opens in our pages. Text is UTF-8 without control characters.
"""

import hashlib
import io
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from authsvc.errors import BadInput, TooLarge

MOST_BYTES = 5 * 2**20
MOST_PIXELS = 40_000_000
"""A phone's photo has 12 to 50 million; a picture that says more is refused before a pixel is decoded."""
LARGEST_SIDE = 3_000
"""Pixels: larger pictures are made smaller, and every letter on a label stays readable."""

PDF, JPEG, PNG, TEXT = "application/pdf", "image/jpeg", "image/png", "text/plain; charset=utf-8"
ENDINGS = {PDF: "pdf", JPEG: "jpg", PNG: "png", TEXT: "txt"}
PICTURES = frozenset({JPEG, PNG})
_KINDS = {"JPEG": JPEG, "PNG": PNG}
_ALLOWED_CONTROLS = frozenset("\t\n\r\f")
_LONGEST_NAME = 100
_ODD = re.compile(r'[<>:"/\\|?*]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was checked: what is stored, and the hash of what came."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    original_sha256: bytes

    @property
    def sha256(self) -> bytes:
        """The hash of what is stored."""
        return hashlib.sha256(self.content).digest()


def check(name: str, content: bytes, *, allowed: Collection[str] = frozenset(ENDINGS)) -> Upload:
    """
    Take a file in, or refuse it.

    Raises:
        TooLarge: It has more than 5 MiB.
        BadInput: It is empty, of no kind that is taken, or damaged.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge("A file has {most} MiB at most.", most=MOST_BYTES // 2**20)
    if not content:
        raise BadInput("The file is empty. Choose one with something in it.")
    original = hashlib.sha256(content).digest()
    media_type = _kind(content)
    if media_type is None or media_type not in allowed:
        raise BadInput("This is no {kinds} file, whatever its name says.", kinds=_said(allowed))
    if media_type in PICTURES:
        media_type, content = _drawn_anew(content)
    return Upload(
        name=clean_name(name, ENDINGS[media_type]), media_type=media_type, content=content, original_sha256=original
    )


def clean_name(name: str, ending: str) -> str:
    """Return a name that is safe to show, on any disk and in a header; its ending fits the content."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in last)
    stem = _ODD.sub("-", " ".join(visible.split())).rstrip(". -")
    while stem.lower().endswith(tuple(f".{known}" for known in ("jpeg", *ENDINGS.values()))):
        stem = stem.rpartition(".")[0].rstrip(". ")
    return f"{stem[:_LONGEST_NAME].lstrip('. -') or 'file'}.{ending}"


# --- Private ---------------------------------------------------------------------------------------------------------


def _kind(content: bytes) -> str | None:
    """Return the one kind that the content is."""
    if content.startswith(b"%PDF-"):
        # The end is looked for because a file that was cut off proves nothing later.
        return PDF if b"%%EOF" in content[-2048:] else None
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    is_plain = all(unicodedata.category(c) != "Cc" or c in _ALLOWED_CONTROLS for c in text)
    return TEXT if is_plain else None


def _drawn_anew(content: bytes) -> tuple[str, bytes]:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_KINDS)) as source:
            if source.width * source.height > MOST_PIXELS:
                raise BadInput(
                    "The picture has {width} x {height} pixels. Send a smaller one.",
                    width=source.width,
                    height=source.height,
                )
            media_type = _KINDS[str(source.format)]
            picture = ImageOps.exif_transpose(source)
            picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            has_alpha = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
            picture = picture.convert("RGBA" if media_type == PNG and has_alpha else "RGB")
            # A new picture of the same pixels: what the file said beside them stays behind.
            clean = Image.new(picture.mode, picture.size)
            clean.paste(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput("The picture is damaged and cannot be read. Send it again, or as another kind.") from error
    target = io.BytesIO()
    if media_type == JPEG:
        clean.save(target, "JPEG", quality=88, optimize=True)
    else:
        clean.save(target, "PNG", optimize=True)
    if target.tell() > MOST_BYTES:
        # A photo as PNG may grow; as JPEG it does not.
        media_type, target = JPEG, io.BytesIO()
        clean.convert("RGB").save(target, "JPEG", quality=88, optimize=True)
    return media_type, target.getvalue()


def _said(allowed: Collection[str]) -> str:
    words = [
        word for kind, word in ((PDF, "PDF"), (JPEG, "JPEG"), (PNG, "PNG"), (TEXT, "plain text")) if kind in allowed
    ]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]

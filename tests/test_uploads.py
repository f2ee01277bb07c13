"""Uploads: the content decides, whatever the name says, and a picture leaves nothing behind but its pixels."""

import io

import pytest
from casework import PDF, huge_png, picture
from PIL import Image

from authsvc import uploads
from authsvc.errors import BadInput, TooLarge


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (picture("JPEG"), uploads.JPEG, "evil.jpg"),
        (picture("PNG"), uploads.PNG, "evil.png"),
        (PDF, uploads.PDF, "evil.pdf"),
        ("Grüße\n".encode(), uploads.TEXT, "evil.txt"),
        (b"<script>alert(1)</script>", uploads.TEXT, "evil.txt"),
    ],
)
def test_the_content_decides_what_a_file_is(content, media_type, name):
    upload = uploads.check("evil.html", content)

    assert upload.media_type == media_type
    assert upload.name == f"evil.html{name[4:]}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(20),
        b"MZ\x90\x00",
        b"PK\x03\x04" + bytes(30),
        b"text with a \x00 byte",
        b"\xff\xfe\x00text",
        PDF[:30],
        b"\xff\xd8\xff" + bytes(100),
        picture("PNG")[:60],
        huge_png(),
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_of_no_kind_or_damaged_is_refused(content):
    with pytest.raises(BadInput):
        uploads.check("photo.jpg", content)


def test_a_file_of_more_than_5_mib_is_refused():
    with pytest.raises(TooLarge, match="5 MiB"):
        uploads.check("long.txt", b"x" * (uploads.MOST_BYTES + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_keeps_its_pixels_and_loses_all_else(kind):
    exif = Image.Exif()
    exif[0x010F] = "A camera of somebody"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    content = picture(kind, exif=exif) + b"PK\x03\x04 an archive behind the picture <script>"

    upload = uploads.check("p", content)

    assert b"camera" not in upload.content
    assert b"script" not in upload.content
    drawn = Image.open(io.BytesIO(upload.content))
    assert drawn.size == (60, 40)
    assert dict(drawn.getexif()) == {}
    assert abs(drawn.convert("RGB").getpixel((5, 5))[0] - 200) < 6
    assert upload.sha256 != upload.original_sha256


def test_a_turned_photo_is_stored_upright():
    exif = Image.Exif()
    exif[0x0112] = 6

    drawn = Image.open(io.BytesIO(uploads.check("p", picture(exif=exif)).content))

    assert drawn.size == (40, 60)


def test_a_large_photo_is_made_smaller():
    drawn = Image.open(io.BytesIO(uploads.check("p", picture(size=(4000, 1000))).content))

    assert drawn.size == (3000, 750)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\temp\\re:port?.txt", "re-port-.txt"),
        ('"; filename="x.html', "; filename=-x.html.txt"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie- x.txt"),
        ("\u202egpj.exe", "gpj.exe.txt"),
        ("", "file.txt"),
        ("...", "file.txt"),
        (".txt", "file.txt"),
        ("x" * 500, "x" * 100 + ".txt"),
        ("Beleg Größe.PDF", "Beleg Größe.txt"),
    ],
)
def test_a_hostile_name_becomes_harmless(given, kept):
    assert uploads.check(given, b"text").name == kept


def test_a_caller_may_take_pictures_alone():
    with pytest.raises(BadInput, match="no JPEG or PNG file"):
        uploads.check("p.png", PDF, allowed=uploads.PICTURES)

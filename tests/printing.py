"""Labels as the tests print them: builders, and paper as a camera sees it."""

import io
import subprocess
from datetime import date

import numpy as np
import zxingcpp
from PIL import Image, ImageFilter

from authsvc.labels.codes import Code, Label, read_codes
from authsvc.labels.fitting import Kind, Symbology
from authsvc.labels.layouts import Layout
from authsvc.labels.templates import builtin_templates

GTIN = "09521234543213"
TOKEN = "AQAB" + "x-_9" * 21 + "Qw"
COMPACT = "AgABx-_9x-_9x-_9x-_9"
HEADER = "uri,gtin,lot,serial,claim_code\n"
TODAY = date(2026, 11, 25)
MATRIX = Symbology(Kind.DATA_MATRIX)
READERS = {Kind.QR: zxingcpp.BarcodeFormat.QRCode, Kind.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix}


def row(number=0, *, token=TOKEN, host="id.example.com", lot="L-7", claim="7K3M9QX2", query=""):
    serial = f"7K3M9QX2V4T{number:05d}"
    return f"https://{host}/01/{GTIN}/21/{serial}?{query}s={token},{GTIN},{lot},{serial},{claim}\n"


def make_code(number=0, **changes) -> Code:
    return next(read_codes([HEADER, row(number, **changes)]))


def make_label(number=0, *, name="Halden Chronograph", **changes) -> Label:
    return Label.of(make_code(number, **changes), name, TODAY)


def make_layout(template="label-63x38", **changes) -> Layout:
    return Layout(template=builtin_templates()[template], **changes)


def pages_of(path, dpi=300):
    """Return the pages of a PDF as pictures."""
    out = path.with_suffix("")
    subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", path, out], check=True, capture_output=True)
    found = sorted(out.parent.glob(f"{out.name}-*.pgm"))
    return [Image.open(io.BytesIO(picture.read_bytes())) for picture in found]


def worn(picture, *, blur, noise=15, seed=7):
    """Return a picture as a camera takes it from paper: out of focus by *blur* pixels, less contrast, noise."""
    soft = picture.convert("L").filter(ImageFilter.GaussianBlur(blur))
    grey = 40 + np.asarray(soft, dtype=float) * (180 / 255)
    grey += np.random.default_rng(seed).normal(0, noise, grey.shape)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def read(picture, kind=Kind.QR):
    """Return the texts that a reader finds."""
    return [found.text for found in found_on(picture, kind)]


def found_on(picture, kind=Kind.QR):
    return zxingcpp.read_barcodes(picture, formats=READERS[kind])

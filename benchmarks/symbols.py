"""Symbols: our QR encoder against segno, which it corrects, and zxing-cpp, which is compiled."""

import secrets

import segno
import zxingcpp

from authsvc import symbol_pictures, symbols
from benchmarks.cores import compare, endless
from benchmarks.figures import Figure, Report, median
from benchmarks.stand import GTIN, HOST

LINKS = 200


def measure(report: Report, *, seconds: float) -> None:
    """Make the symbols of links as they are printed, as SVG."""
    links = [f"https://{HOST}/01/{GTIN}/21/7K3M9QX2V4TD1RZ8?s=AQAB{secrets.token_urlsafe(64)}" for _ in range(LINKS)]
    rates = compare(seconds, endless(_ours, links), endless(_segno, links), endless(_zxing, links))
    report.raw["symbols"] = rates
    ours, pure, compiled = (median(each) for each in rates)
    version = symbols.symbol(links[0]).version
    report.add(
        Figure(
            "symbols as SVG, against segno",
            ours,
            "/s",
            reference=f"{pure:,.0f} /s",
            ratio=ours / pure,
            detail=f"QR version {version}, level M",
        ),
        Figure("symbols as SVG, against zxing-cpp", ours, "/s", reference=f"{compiled:,.0f} /s", ratio=ours / compiled),
    )


def _ours(link: str) -> None:
    symbol_pictures.svg(symbols.symbol(link))


def _segno(link: str) -> None:
    segno.make(link, error="m", boost_error=False, micro=False).svg_inline()


def _zxing(link: str) -> None:
    zxingcpp.create_barcode(link, zxingcpp.BarcodeFormat.QRCode, ec_level="M").to_svg()

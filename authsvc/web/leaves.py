"""
How templates of the public pages are set up: their Jinja environment, its filters and its globals.

One set of templates serves all languages: what is spoken is asked for when a text is said (``languages``). The console
has an environment of its own, in ``rendering``.
"""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from authsvc import languages
from authsvc.core import product_texts, units
from authsvc.core.register import Product
from authsvc.core.verdict_texts import Words
from authsvc.web import assets

_PICTURE = re.compile(r"[0-9a-f]{64}\.[a-z]{3,4}")
"""Pictures are named by the hash of their bytes; see ``catalogue``."""


def groups(code: str) -> str:
    """Group by four, as it is easiest to compare by eye."""
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def picture(image: str | None) -> str | None:
    """Return the address of a stored picture, or None for anything but the name that an import gave it."""
    return f"/media/{image}" if image and _PICTURE.fullmatch(image) else None


def in_language(text: str, tag: str | None) -> Markup:
    """Mark up words of a brand that are in another language than the page, so that they are read out as such."""
    if tag is None or tag == languages.spoken().code:
        return escape(text)
    return Markup('<span lang="{}" dir="{}">{}</span>').format(tag, languages.get(tag).direction, text)


def picture_text(product: Product) -> str:
    """Return what stands for the picture of a product where nobody sees it."""
    spoken, alt = languages.spoken().code, product.attributes.get("image_alt")
    if isinstance(alt, str) and alt:
        return alt
    return product_texts.description_of(product, spoken)[0] or product_texts.name_of(product, spoken)[0]


# --- Private ---------------------------------------------------------------------------------------------------------


class _Loader(FileSystemLoader):
    """Pastes included parts in place while a template is compiled: at run time each costs a context, 5 us."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_current = super().get_source(environment, template)
        return _INCLUDE.sub(lambda part: self.get_source(environment, part[1])[0], source), filename, is_current


def _grouped(serial: str) -> str:
    return groups(serial) if units.split(serial) is None else units.shown(serial)


def _bdi(value: object, attributes: str = "") -> Markup:
    """Mark up a value whose letters run from left to right wherever it stands."""
    return Markup('<bdi{} dir="ltr">{}</bdi>').format(Markup(attributes), escape(value))  # noqa: S704  constants


def _named(product: Product) -> Markup:
    """Return what a product is called for whoever reads."""
    return in_language(*product_texts.name_of(product, languages.spoken().code))


def _described(product: Product) -> Markup:
    """Return how a product is described for whoever reads."""
    text, tag = product_texts.description_of(product, languages.spoken().code)
    return in_language(text or "", tag)


def _sentences(words: Words) -> Markup:
    """Return the text of a verdict, with each quotation in its language."""
    return Markup().join(in_language(*piece) for piece in words.pieces) if words.pieces else escape(words.text)


_INCLUDE = re.compile(r'{% include "([a-z]+\.html)" %}')
ENVIRONMENT = Environment(
    loader=_Loader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
    extensions=["jinja2.ext.i18n"],
)
# One set of templates for all languages: what is spoken is asked for when a text is said.
ENVIRONMENT.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
    languages.gettext, languages.ngettext, newstyle=True
)
ENVIRONMENT.globals |= {
    "css_url": assets.url("ui.css"),
    "reseller_css_url": assets.url("reseller/reseller.css"),
    "js_url": assets.url("confirm.js"),
    "passkeys_js_url": assets.url("passkeys.js"),
    "icon_url": assets.url("icon.svg"),
    "spoken": languages.spoken,
    "chosen": lambda: languages.now_spoken().is_chosen,
    "here": None,
    "address": lambda: languages.now_spoken().here,
    "offered": languages.offered,
}
ENVIRONMENT.filters |= {
    "day": languages.day,
    "described": _described,
    "grouped": _grouped,
    "in_language": in_language,
    "ltr": _bdi,
    "named": _named,
    "mono": lambda value: _bdi(value, ' class="mono"'),
    "number": languages.number,
    "picture": picture,
    "picture_text": picture_text,
    "sentences": _sentences,
    "strong_ltr": lambda value: Markup("<strong>{}</strong>").format(_bdi(value)),
}
ENVIRONMENT.globals["shapes"] = ENVIRONMENT.get_template("shapes.html").module.__dict__

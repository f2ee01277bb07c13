"""The form of a product in further languages: rows that the server adds, and what the worker makes of them."""

import re

from programs import work, worker_settings

from authsvc.staff import Role

WHAT = {"name": "Field watch", "granularity": "serial", "claim": "none", "release": "on-issue",
        "language": "en", "description": "Blue dial", "data": "Glass: Sapphire"}  # fmt: skip
FRENCH = {"text_language": "fr", "text_name": "Montre", "text_description": "", "text_facts": "Verre: Saphir"}


def test_a_form_adds_a_language_shows_it_and_takes_it_away(scene, cast):
    product = scene.add_product(name="Field watch", **{"name.de": "Felduhr"})
    operator = cast.add(Role.OPERATOR)
    operator.sign_in()
    place = f"/console/products/{product.gtin}"
    assert "Felduhr" in operator.get(place).text
    form = operator.get(f"{place}/edit").text
    assert re.findall(r'<textarea id="text-name-1"[^>]*>(.*?)</textarea>', form) == ["Felduhr"]
    assert '<input type="hidden" name="had" value="de">' in form

    more = operator.post(f"{place}/edit", **WHAT, **FRENCH, add="1").text
    assert len(re.findall(r'id="text-name-\d+"', more)) == 2
    twice = {name: [value] * 2 for name, value in FRENCH.items()}
    assert "Two rows have the same language" in operator.post(f"{place}/edit", **WHAT, **twice).text
    assert operator.post(f"{place}/edit", **WHAT, **FRENCH, had="de").status_code == 303
    work(scene, worker_settings(scene))
    scene.refresh()
    assert scene.rt.held.register.find_product(product.gtin).texts == {
        "fr": {"name": "Montre", "facts": [["Verre", "Saphir"]]}
    }

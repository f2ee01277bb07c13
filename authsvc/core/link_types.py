"""
Link types of the GS1 Web Vocabulary: what a link of the resolver tells about an item.

A type is asked for as a CURIE (``gs1:pip``) or as the address of the term; both name the same. The vocabulary has been
published under three addresses, and old software still asks with the older ones. Three types are no brand's to give:
the default link is the page that judges a code, and ``handledBy`` would hand the brand's codes to another resolver.
"""

import re
from collections.abc import Mapping
from typing import Final

VOCABULARY: Final = "https://ref.gs1.org/voc/"
DEFAULT: Final = "defaultLink"
SERVICE: Final = "verificationService"
LINKSETS: Final = frozenset({"linkset", "all"})
"""What asks for all links at once; "all" is the older word."""

_PREFIXES: Final = ("gs1:", VOCABULARY, "https://gs1.org/voc/", "https://www.gs1.org/voc/", "http://gs1.org/voc/")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")

LINK_TYPES: Final[Mapping[str, str]] = {
    "pip": "Product information",
    "instructions": "Instructions",
    "quickStartGuide": "Quick start guide",
    "tutorial": "Tutorial",
    "whatsInTheBox": "What is in the box",
    "relatedVideo": "Video",
    "faqs": "Questions and answers",
    "support": "Support",
    "serviceInfo": "Service and maintenance",
    "registerProduct": "Register the product",
    "userAgreement": "User agreement",
    "purchaseSuppliesOrAccessories": "Supplies and accessories",
    "hasRetailers": "Where to buy",
    "reportFound": "Report a find",
    "certificationInfo": "Certificates",
    "dpp": "Digital product passport",
    "sustainabilityInfo": "Sustainability and recycling",
    "safetyInfo": "Safety",
    "recallStatus": "Recall status",
    "traceability": "Traceability",
    "registryEntry": "Entry in a register",
    "masterData": "Master data",
    "epcis": "EPCIS repository",
    "verificationService": "Verification service of GS1 Lightweight Messaging",
    "jws": "JSON Web Signature",
    "consumerHandlingStorageInfo": "Handling and storage",
    "ingredientsInfo": "Ingredients",
    "allergenInfo": "Allergens",
    "nutritionalInfo": "Nutrition",
    "recipeInfo": "Recipes",
    "menuInfo": "Menu",
    "smartLabel": "SmartLabel",
    "epil": "Patient information leaflet",
    "eifu": "Electronic instructions for use",
    "smpc": "Summary of product characteristics",
    "brandHomepageClinical": "Brand page for professionals",
    "brandHomepagePatient": "Brand page for patients",
    "appDownload": "App",
    "activityIdeas": "Ideas",
    "backgroundInfo": "Background",
    "homepage": "Home page",
    "socialMedia": "Social media",
    "promotion": "Promotion",
    "loyaltyProgram": "Loyalty programme",
    "leaveReview": "Leave a review",
    "review": "Reviews",
    "eventsInfo": "Events",
    "careersInfo": "Careers",
    "statisticInfo": "Statistics",
    "logisticsInfo": "Logistics",
    "locationInfo": "Location",
    "openingHoursInfo": "Opening hours",
    "scheduleTime": "Timetable",
    "paymentLink": "Payment",
}
"""The types that a brand can give its links, with a word for each."""


def find_name(asked: str) -> str | None:
    """
    Return the name of the type that was asked for, as GS1 spells it; None for what cannot be a type of GS1's.

    The Lightweight Messaging Standard asks for its service without a prefix.
    """
    if asked == SERVICE:
        return asked
    for prefix in _PREFIXES:
        if asked.startswith(prefix):
            name = asked.removeprefix(prefix)
            return name if _NAME.fullmatch(name) else None
    return None


def address(name: str) -> str:
    """Return the address of a term, as linksets have it."""
    return VOCABULARY + name

"""
The tables, as mapped classes: columns, constraints and relationships; no behaviour and no queries.

Every brand-owned table has ``brand_id`` and stands under row-level security (see the first migration). Hot tables have
``sgtin`` first in their primary key and no foreign key that crosses it, so that the set can be distributed by that
column. ``sgtin`` is ``{gtin14}.{serial}``, or ``00.{sscc}`` for a logistic unit. Kinds and states are text, never
database enums: they grow. ``scans`` and ``rejections`` are range-partitioned by month.
"""

from authsvc.models.alerts import Alert, AlertCountry, AlertDecision, JobMark, LotDay
from authsvc.models.api_keys import ApiAnswer, ApiCheck, ApiKey, ApiSecret
from authsvc.models.audit import AuditEvent, AuditHead
from authsvc.models.base import Base
from authsvc.models.brands import Brand, BrandCounter, BrandHost, BrandPrefix, RegisterVersion
from authsvc.models.cases import (
    Case,
    CaseAlert,
    CaseAttachment,
    CaseComment,
    ConsumerReport,
    EvidenceKey,
    ReportCount,
    ReportPhoto,
)
from authsvc.models.counts import DailyCount
from authsvc.models.dealers import Dealer, DealerAccess, DealerItem, Permit
from authsvc.models.deliveries import (
    AlertMail,
    AlertRecipient,
    Event,
    Mail,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from authsvc.models.epcis import EpcisEvent, ItemChange
from authsvc.models.errands import Errand, ErrandPart
from authsvc.models.evidence import BaseRate, Commission, ItemFact, Resolution, TrustedDevice
from authsvc.models.followers import Follower
from authsvc.models.items import Item
from authsvc.models.keys import ClaimKey, SerialKey, SigningKey
from authsvc.models.links import Link, LinkHost
from authsvc.models.messaging import MessageRequester, MessageResponder
from authsvc.models.owner_papers import (
    OwnerChallenge,
    OwnerChange,
    OwnerFile,
    OwnerLinkFile,
    OwnerPasskey,
    OwnerRequest,
)
from authsvc.models.owners import Owner, OwnerAttempt, OwnerLink, OwnerSession, Registration
from authsvc.models.production_lines import LineBatch, ProductionLine
from authsvc.models.products import Image, Lot, Product, Run
from authsvc.models.recalls import Recall, RecallDraft, RecallItem, RecallNotice
from authsvc.models.run_orders import RunOrder
from authsvc.models.scans import ReceiptOpen, Rejection, Scan, Sighting
from authsvc.models.sites import Site
from authsvc.models.staff import (
    Staff,
    StaffAccount,
    StaffAttempt,
    StaffFlow,
    StaffIdentity,
    StaffInvitation,
    StaffPasskey,
    StaffRecoveryCode,
    StaffSession,
    StaffSso,
)
from authsvc.models.transfers import Transfer, TransferCode, TransferKey
from authsvc.models.unit_data import ItemAttribute, ItemRecord, LabelReplacement

__all__ = [
    "Alert",
    "AlertCountry",
    "AlertDecision",
    "AlertMail",
    "AlertRecipient",
    "ApiAnswer",
    "ApiCheck",
    "ApiKey",
    "ApiSecret",
    "AuditEvent",
    "AuditHead",
    "Base",
    "BaseRate",
    "Brand",
    "BrandCounter",
    "BrandHost",
    "BrandPrefix",
    "Case",
    "CaseAlert",
    "CaseAttachment",
    "CaseComment",
    "ClaimKey",
    "Commission",
    "ConsumerReport",
    "DailyCount",
    "Dealer",
    "DealerAccess",
    "DealerItem",
    "EpcisEvent",
    "Errand",
    "ErrandPart",
    "Event",
    "EvidenceKey",
    "Follower",
    "Image",
    "Item",
    "ItemAttribute",
    "ItemChange",
    "ItemFact",
    "ItemRecord",
    "JobMark",
    "LabelReplacement",
    "LineBatch",
    "Link",
    "LinkHost",
    "Lot",
    "LotDay",
    "Mail",
    "MessageRequester",
    "MessageResponder",
    "Owner",
    "OwnerAttempt",
    "OwnerChallenge",
    "OwnerChange",
    "OwnerFile",
    "OwnerLink",
    "OwnerLinkFile",
    "OwnerPasskey",
    "OwnerRequest",
    "OwnerSession",
    "Permit",
    "Product",
    "ProductionLine",
    "Recall",
    "RecallDraft",
    "RecallItem",
    "RecallNotice",
    "ReceiptOpen",
    "RegisterVersion",
    "Registration",
    "Rejection",
    "ReportCount",
    "ReportPhoto",
    "Resolution",
    "Run",
    "RunOrder",
    "Scan",
    "SerialKey",
    "Sighting",
    "SigningKey",
    "Site",
    "Staff",
    "StaffAccount",
    "StaffAttempt",
    "StaffFlow",
    "StaffIdentity",
    "StaffInvitation",
    "StaffPasskey",
    "StaffRecoveryCode",
    "StaffSession",
    "StaffSso",
    "Transfer",
    "TransferCode",
    "TransferKey",
    "TrustedDevice",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookSecret",
]

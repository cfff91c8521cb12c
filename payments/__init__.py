"""Payment rails, the ledger port, and the sale that runs over them. Depends on neither imaging nor BentoML.

Other packages use the names listed here and in `payments.middleware`, which loads Starlette; they import nothing from
the modules below. Importing this package loads no SDK; `RailInfo.build` does.
"""

from payments.deny_list import DenyList, read_addresses
from payments.diagnosis import Finding, Level, fault, good, warning
from payments.finality import RAW, keep_rechecking
from payments.gate import Gate
from payments.ledger import MAX_IN_FLIGHT_WITHOUT_BALANCE, Claim, Entry, State
from payments.ledger_watch import IN_DOUBT, NOT_FINAL, Standing, keep_counting
from payments.money import Price
from payments.monitor import HEALTH_LIMIT_S, RailMonitor, keep_monitoring
from payments.order import JsonCall, Order
from payments.outbox import Sent
from payments.payment_status import PaymentStatus
from payments.policy import SalePolicy
from payments.rail import HeaderFields, Hold, Payment, Rail, Receipt
from payments.rail_info import RailDependencies, RailInfo, RailSection
from payments.rails import RAILS, payment_headers
from payments.receipts.config import ReceiptConfig
from payments.receipts.signed import RECEIPT_HEADERS, ReceiptSigner, receipt_signer
from payments.receipts.sold import Sold
from payments.reconciliation import Difference, reconcile
from payments.refunds import Refund, Refunder, RefundRefused, open_refunder
from payments.refunds import Standing as RefundStanding
from payments.resolver import Resolver
from payments.result_cache import ResultCache

__all__ = [
    "HEALTH_LIMIT_S",
    "IN_DOUBT",
    "MAX_IN_FLIGHT_WITHOUT_BALANCE",
    "NOT_FINAL",
    "RAILS",
    "RAW",
    "RECEIPT_HEADERS",
    "Claim",
    "DenyList",
    "Difference",
    "Entry",
    "Finding",
    "Gate",
    "HeaderFields",
    "Hold",
    "JsonCall",
    "Level",
    "Order",
    "Payment",
    "PaymentStatus",
    "Price",
    "Rail",
    "RailDependencies",
    "RailInfo",
    "RailMonitor",
    "RailSection",
    "Receipt",
    "ReceiptConfig",
    "ReceiptSigner",
    "Refund",
    "RefundRefused",
    "RefundStanding",
    "Refunder",
    "Resolver",
    "ResultCache",
    "SalePolicy",
    "Sent",
    "Sold",
    "Standing",
    "State",
    "fault",
    "good",
    "keep_counting",
    "keep_monitoring",
    "keep_rechecking",
    "open_refunder",
    "payment_headers",
    "read_addresses",
    "receipt_signer",
    "reconcile",
    "warning",
]

"""Negative controls: the source tree with one guard removed. A campaign with it must find broken promises."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement of text that must match exactly once."""

    path: str
    guard: str
    broken: str


@dataclass(frozen=True, slots=True)
class Break:
    """A removed guard, and the resulting fault of the service."""

    means: str
    changes: tuple[Change, ...]


BREAKS = {
    "look-up": Break(
        "a settled payment is verified again instead of being looked up in the ledger",
        (
            Change(
                "payments/sale.py",
                "        found: AlreadySettled | Unclaimed | Claimed = "
                "await self._purchases.by_payment(attempt, request.order)\n",
                "        found: AlreadySettled | Unclaimed | Claimed = Unclaimed(None)\n",
            ),
        ),
    ),
    "doubt": Break(
        "a settlement whose outcome is unknown is taken for one that moved nothing, and released",
        (
            Change(
                "payments/settlement.py",
                "            except _PROVEN as refusal:\n                unmoved = refusal\n            else:\n",
                "            except (ServiceError, TimeoutError):\n"
                '                unmoved = PaymentRejected("It failed.", reason="settlement_failed")\n'
                "            else:\n",
            ),
        ),
    ),
    "lease": Break(
        # One of the two is sufficient to keep the promises.
        "an expired lease has no effect: neither renewing nor beginning a settlement checks it, and a refusal "
        "does not take the payment from its silent holder",
        (
            Change(
                "payments/payment_status.py",
                "        if await ledger.refuse(credential.payment_id, credential.rail):\n",
                "        if True:\n",
            ),
            Change(
                "storage/sale_statements.py",
                "        runs = _row.lease_until > now\n",
                "        runs = _row.lease_until > 0.0\n",
            ),
        ),
    ),
    "late-claim": Break(
        "a payment can be claimed although it was refused since it was looked up",
        (
            Change(
                "storage/sale_statements.py",
                "    as_seen = abandoned(now) & (_row.holder == seen_holder)\n",
                '    as_seen = abandoned(now) & (seen_holder != "nobody")\n',
            ),
        ),
    ),
    "work-by": Break(
        "the holder of the claim does not check the time again",
        (
            Change(
                "payments/sale.py",
                "        if self._clock() > payment.work_by:  # it was verified long ago\n",
                "        if False:\n",
            ),
        ),
    ),
    "facilitator": Break(
        "a facilitator's success is trusted: the picture is delivered without a check of the chain",
        (
            Change(
                "payments/x402/confirmation.py",
                "        if made.answer.is_confirmed and made.answer.transaction and not self._witnesses.several:\n",
                "        if made.answer.transaction:\n",
            ),
        ),
    ),
    "facilitator-refusal": Break(
        "a facilitator's refusal is trusted: the payment is released although it may be settled later",
        (
            Change(
                "payments/x402/confirmation.py",
                "        if outcome.is_final and not _says_used(made.answer):\n",
                "        if outcome.is_final or made.answer.refusal:\n",
            ),
        ),
    ),
    "row": Break(
        "a refusal does not take the payment from its silent holder",
        (
            Change(
                "payments/sale.py",
                "            status = await self._take_from_others(request.attempt, refusal)\n",
                "            status = PaymentStatus(PaymentState.UNUSED)\n",
            ),
        ),
    ),
    "digest": Break(
        "a settled payment fetches any picture",
        (
            Change(
                "payments/purchases.py",
                "(result := order.result_bought(entry.order_digest)) is None:\n",
                "(result := order.result) is None:\n",
            ),
        ),
    ),
    "entitlement": Break(
        "a settled payment is refused when it is sent again",
        (
            Change(
                "payments/purchases.py",
                "        return AlreadySettled(entry.payment, receipt, entry.sold, result) if receipt else None\n",
                '        raise PaymentUsed("This payment has been used.")\n',
            ),
        ),
    ),
    "chain": Break(
        "a payment in doubt is released without asking the chain",
        (
            Change(
                "payments/settlement.py",
                "                receipt = await finder.find_receipt(entry.payment)\n",
                "                receipt = None\n",
            ),
        ),
    ),
}

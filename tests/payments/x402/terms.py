"""The terms of a quote by single settings."""

from payments.x402.config import X402Config
from payments.x402.requirements import QuoteTerms


def terms_of(**settings: object) -> QuoteTerms:
    """Terms of a rail with these settings."""
    return QuoteTerms(X402Config.model_validate(settings))

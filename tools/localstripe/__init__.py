"""A local server that speaks Stripe's HTTP: products to payouts' edge, without network or money."""

from .server import LocalStripe

__all__ = ["LocalStripe"]

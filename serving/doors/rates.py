"""How many requests each tenant may send: this replica's share of its limit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from lifecycle.tenants import Tenant
from lifecycle.token_bucket import TokenBucket
from serving.problem import refused


class Counted(Protocol):
    """How many replicas there are."""

    count: int


@dataclass
class Alone:
    """So many replicas, whatever the load."""

    count: int = 1


@dataclass
class Rates:
    """A bucket per tenant. Each of the `replicas` allows its share, because the proxy spreads requests evenly.

    Shared counting would put a network call before every answer. So a tenant gets a little less than its limit
    where the spread is uneven, and never more, but for the burst: every replica allows at least one request at once.
    Used on the event loop only.
    """

    replicas: Counted
    monotonic: Callable[[], float]
    _buckets: dict[str, tuple[Tenant, TokenBucket]] = field(default_factory=dict)
    _share: int = 0

    def take(self, tenant: Tenant) -> None:
        """Count a request; raises Refused with 429 and Retry-After when the tenant has sent too many."""
        if self.replicas.count != self._share:
            self._share_among(self.replicas.count)
        known, bucket = self._buckets.get(tenant.name) or self._open(tenant)
        if known is not tenant and known != tenant:
            _, bucket = self._open(tenant)
        wait = bucket.take(self.monotonic())
        if wait:
            raise _too_many(tenant, wait)

    def _open(self, tenant: Tenant) -> tuple[Tenant, TokenBucket]:
        bucket = TokenBucket(*self._limits(tenant), self.monotonic())
        self._buckets[tenant.name] = (tenant, bucket)
        return tenant, bucket

    def _share_among(self, replicas: int) -> None:
        """Give every bucket its new size; each stays as full as it was."""
        self._share = replicas
        self._buckets = {
            name: (tenant, bucket.resized(*self._limits(tenant))) for name, (tenant, bucket) in self._buckets.items()
        }

    def _limits(self, tenant: Tenant) -> tuple[float, float]:
        return tenant.per_second / self._share, max(1.0, tenant.burst / self._share)


def _too_many(tenant: Tenant, wait: float) -> Exception:
    seconds = ceil(wait)
    detail = (
        f"Tenant {tenant.name} may send {tenant.per_second:g} requests per second, and {tenant.burst} at once; "
        f"try again in {seconds} s."
    )
    # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    headers = (
        (b"ratelimit-policy", f'"tenant";q={tenant.burst};w={max(1, ceil(tenant.burst / tenant.per_second))}'.encode()),
        (b"ratelimit", f'"tenant";r=0;t={seconds}'.encode()),
    )
    return refused(429, "too-many-requests", detail, retry_after=seconds, headers=headers)

"""A closed load: each user has one visit at a time, and begins the next one when it is over."""

from locust import constant, task

from loadtests.order import Order
from loadtests.profile import Kind
from loadtests.users.base import Visitor, class_name
from loadtests.users.visits import visit


class _Closed(Visitor):
    abstract = True
    wait_time = constant(0)

    @task
    def begin_visit(self) -> None:
        """One visit."""
        visit(self.kind, self.visitor)


def closed(kind: Kind, number: int, order: Order) -> type[Visitor]:
    """The class of so many users of a kind."""
    return type(class_name(kind, "Closed"), (_Closed,), {"kind": kind, "order": order, "fixed_count": number})

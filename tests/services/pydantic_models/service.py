"""Nested pydantic models as input and output, with validators and aliases of their own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal

import bentoml
from pydantic import BaseModel, Field, field_validator


class Size(str, Enum):
    SMALL = "small"
    LARGE = "large"


class Item(BaseModel):
    name: str = Field(min_length=1)
    price: Decimal
    size: Size = Size.SMALL
    count: int = Field(default=1, gt=0)


class Order(BaseModel):
    items: list[Item]
    day: date
    kind: Literal["sale", "refund"] = "sale"
    note: str | None = Field(default=None, alias="remark")

    @field_validator("items")
    @classmethod
    def not_empty(cls, items: list[Item]) -> list[Item]:
        if not items:
            raise ValueError("an order has at least one item")
        return items


class Receipt(BaseModel):
    total: Decimal
    order: Order


class Range(BaseModel):
    low: int = 0
    high: int = 10


def total_of(order: Order) -> Decimal:
    return sum((item.price * item.count for item in order.items), Decimal(0))


@bentoml.service
class Orders:
    @bentoml.api
    def buy(self, order: Order) -> Receipt:
        return Receipt(total=total_of(order), order=order)

    @bentoml.api
    async def buy_all(self, orders: list[Order], discount: float = 0.0) -> list[Receipt]:
        factor = Decimal(str(1 - discount))
        return [Receipt(total=total_of(order) * factor, order=order) for order in orders]

    @bentoml.api
    def cheapest(self, order: Order, /) -> Item:
        return min(order.items, key=lambda item: item.price)

    @bentoml.api(input_spec=Range)
    def span(self, **values: int) -> int:
        return values["high"] - values["low"]

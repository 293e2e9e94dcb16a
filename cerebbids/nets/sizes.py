"""How wide and deep a network is, as plain data: without torch, so that whoever only reads it need not load that."""

from __future__ import annotations

from collections.abc import Mapping

Sizes = Mapping[str, int | str | tuple[int, ...]]
"""Keyword arguments of a network's class."""

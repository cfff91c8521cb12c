from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.storefront import Storefront, open_storefront


@pytest.fixture
async def storefront(tmp_path: Path) -> AsyncIterator[Storefront]:
    """A storefront as it opens in the morning."""
    async with open_storefront(tmp_path) as storefront:
        yield storefront

"""What watches every service test does see a call of ours that blocks the loop."""

from pathlib import Path

import pytest
from blockbuster import BlockingError

from chassis import settings
from controller.settings import Settings


async def test_a_call_of_ours_that_blocks_the_loop_raises(tmp_path: Path) -> None:
    file = tmp_path / "controller.toml"
    file.write_text("")

    with pytest.raises(BlockingError):
        settings.load(Settings, file, {})

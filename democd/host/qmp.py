"""QEMU's control socket (QMP): one command, one connection.

A connection for each command keeps no state between them, so any thread may send one.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from qemu.qmp import QMPClient, QMPError

from democd.errors import BuildError

# A failure is told once, by us; the library would log it as well, onto the person's terminal.
logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)

PATIENCE = 30.0  # seconds; QEMU under a heavy load answers late


def command(socket: Path, name: str, **arguments: Any) -> Any:
    """Send a command and return its answer.

    Args:
        socket: the QMP socket of a running machine.
        name: as in the QMP reference, e.g. `screendump`.
        arguments: the command's own; an underscore in a name stands for QMP's hyphen.

    Raises:
        BuildError: QEMU is gone, does not answer, or refuses.
    """
    wire = {key.replace("_", "-"): value for key, value in arguments.items()}
    try:
        return asyncio.run(asyncio.wait_for(_converse(socket, name, wire), PATIENCE))
    except (QMPError, OSError, EOFError) as error:
        raise BuildError(f"QEMU does not do {name!r}: {error}") from error
    except TimeoutError:
        raise BuildError(f"QEMU does not answer {name!r} within {PATIENCE:.0f} s") from None


async def _converse(socket: Path, name: str, arguments: dict[str, Any]) -> Any:
    client = QMPClient("democd")
    await client.connect(str(socket))
    try:
        return await client.execute(name, arguments)
    finally:
        await client.disconnect()

"""Ports that must be free before a server starts, so that a clash is said in words."""

import errno
import socket

from lifecycle.errors import SettingInvalid


def require_free(host: str, port: int, setting: str) -> None:
    """Raise SettingInvalid naming the setting when a port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
            raise SettingInvalid(
                f"{setting} leads to port {port} on {host}, which {reason}; stop what listens there or change {setting}"
            ) from error

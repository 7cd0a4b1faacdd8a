"""Ports and Ray's environment, before anything starts."""

import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from lifecycle.errors import SettingInvalid
from serving.haproxy import wrap_haproxy
from serving.haproxy_rules import Waiting
from serving.ports import require_free
from serving.ray_options import PORTS, ray_environment
from stores.settings import Settings


def test_taken_port_names_the_setting_to_change() -> None:
    """Before Ray starts, in one sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingInvalid, match=f"HOLDFAST_HTTP_PORT leads to port {port} on 127.0.0.1, which is in use"
        ):
            require_free("127.0.0.1", port, "HOLDFAST_HTTP_PORT")
    require_free("127.0.0.1", port, "HOLDFAST_HTTP_PORT")


def test_address_of_another_machine_is_refused() -> None:
    """A host that is not ours cannot be listened on."""
    with pytest.raises(SettingInvalid, match="cannot be listened on"):
        require_free("192.0.2.77", 0, "HOLDFAST_HOST")


def test_every_port_lies_in_the_block_and_no_two_agree() -> None:
    """So that two gateways on one machine only need two blocks."""
    environment = ray_environment(Settings(ray_port_base=30000), Path("/tmp/holdfast-x"), Path("/bin/haproxy"))
    ports = [int(value) for name, value in environment.items() if "_PORT" in name]
    assert len(set(ports)) == len(ports) == 8
    assert all(30000 <= port < 30000 + PORTS for port in ports)


def test_every_variable_is_one_that_ray_reads() -> None:
    """A name that Ray forgot would change nothing, silently."""
    spec = find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    ray = Path(spec.origin).parent
    modules = (
        "serve/_private/constants.py",
        "_private/authentication/authentication_token_setup.py",
        "_private/ray_constants.py",
    )
    read = "".join((ray / module).read_text(encoding="utf-8") for module in modules)
    elsewhere = {"RAY_AUTH_TOKEN", "RAY_USAGE_STATS_ENABLED", "TMPDIR"}
    for name in ray_environment(Settings(), Path("/tmp/holdfast-x"), Path("/bin/haproxy")):
        assert name in elsewhere or name in read, name


WAITING = Waiting(request_seconds=10, queue_seconds=5, queued=1024, at_once=32)


def test_unix_socket_paths_fit_the_kernels_limit() -> None:
    """The manager puts a node id of 56 characters between folder and file."""
    environment = ray_environment(Settings(), Path("/tmp/holdfast-abcdefgh"), Path("/bin/haproxy"))
    for name, value in environment.items():
        if value.endswith(".sock"):
            assert len(value) + 57 < 108, name


def test_without_haproxy_the_default_proxy_answers() -> None:
    """Slower, but everywhere."""
    assert ray_environment(Settings(), Path("/tmp/holdfast-x"), None)["RAY_SERVE_ENABLE_HA_PROXY"] == "0"


def test_wrapped_haproxy_listens_on_loopback_only_and_reads_requests_whole(tmp_path: Path) -> None:
    """The rest of the configuration and the arguments stay as Ray wrote them."""
    config = tmp_path / "node" / "haproxy.cfg"
    config.parent.mkdir()
    config.write_text(
        "    option abortonclose\n  bind *:301\n    bind :300\n    bind :3000\n    bind 10.0.0.1:8000\n",
        encoding="utf-8",
    )
    program = wrap_haproxy(Path("/bin/echo"), tmp_path, 301, 300, WAITING)
    said = subprocess.run([program, "-f", config], check=True, capture_output=True, text=True).stdout
    assert said == f"-f {config}\n"
    kept = ["  bind 127.0.0.1:301", "    bind 127.0.0.1:300", "    bind :3000", "    bind 10.0.0.1:8000"]
    asked = WAITING.defaults().splitlines()
    assert config.read_text(encoding="utf-8").splitlines() == ["    option abortonclose", *asked, *kept]

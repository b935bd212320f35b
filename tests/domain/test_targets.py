"""Which addresses are called and which never: every way to write an address inside, and the public ones that may."""

from __future__ import annotations

import pytest

from app.domain.targets import Allowed, TargetNotAllowed, read_target, why_not

# Each leads inside, can be read in two ways, or is no address. At {port} somebody listens who must not hear us.
NEVER = [
    # loopback, in every spelling that a resolver here understands
    "http://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.255.255.254:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7F.0x00.0x00.0x01:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0.0x1:{port}/",
    "http://127.0.0.01:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://00000127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://a.localhost:{port}/",
    "http://localhost.localdomain:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b::a9fe:a9fe]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:a9fe:a9fe::1]:{port}/",
    "http://[2001::80ff:fffe]:{port}/",
    "http://[2001:0:5ef5:79fd::1]:{port}/",
    "http://[2600:1f18::5efe:7f00:1]:{port}/",
    # private, shared, link-local, metadata
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://172.31.255.255:{port}/",
    "http://192.168.1.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://100.100.100.200:{port}/latest/meta-data/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://169.254.170.2:{port}/v2/credentials",
    "http://2852039166:{port}/",
    "http://0xa9fea9fe:{port}/",
    "http://168.63.129.16:{port}/machine",
    "http://192.0.0.192:{port}/opc/v1/",
    "http://metadata.google.internal:{port}/",
    "http://[fd00:ec2::254]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fe80::1%25eth0]:{port}/",
    "http://[fec0::1]:{port}/",
    # multicast, broadcast, documentation, benchmarking, relays, reserved
    "http://224.0.0.1:{port}/",
    "http://239.255.255.250:{port}/",
    "http://255.255.255.255:{port}/",
    "http://240.0.0.1:{port}/",
    "http://192.0.2.1:{port}/",
    "http://198.51.100.1:{port}/",
    "http://203.0.113.1:{port}/",
    "http://198.18.0.1:{port}/",
    "http://192.88.99.1:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[2001:db8::1]:{port}/",
    "http://[3fff::1]:{port}/",
    "http://[100::1]:{port}/",
    "http://[2001:2::1]:{port}/",
    "http://[5f00::1]:{port}/",
    "http://[4000::1]:{port}/",
    # what two programs read in two ways
    "http://user@127.0.0.1:{port}/",
    "http://hooks.example.com@127.0.0.1:{port}/",
    "http://hooks.example.com:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@hooks.example.com/",
    "http://127.0.0.1:{port}#@hooks.example.com/",
    "http://hooks.example.com#@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@hooks.example.com/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1\n:{port}/",
    "http://127.0.0.1%2f:{port}/",
    "http://127.0.0.1%00:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http://[::1:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛocalhost:{port}/",
    "http://lo\u00adcalhost:{port}/",
    "http://intranet:{port}/",
    "http://printer.local:{port}/",
    "http://wiki.corp:{port}/",
    "http://router.home.arpa:{port}/",
    "http://a..example.com:{port}/",
    "http://-a.example.com:{port}/",
    "http://hooks.example.com:0/",
    "http://hooks.example.com:65536/",
    "http://hooks.example.com:{port}:80/",
    "ftp://hooks.example.com/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "data:text/plain,hello",
    "javascript:alert(1)",
    " http://hooks.example.com/",
    "http://",
    "",
]

# Addresses that a name may turn out to be, none of which is ever called.
DENIED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.1.1",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.169.254",
    "172.20.0.1",
    "192.0.0.8",
    "192.0.2.5",
    "192.88.99.1",
    "192.168.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.251",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1:2::1",
    "100::9",
    "2001::1",
    "2001:10::1",
    "2001:db8:1::1",
    "2002:808:808::1",
    "2002:7f00:1::",
    "3fff:1::1",
    "fc00::5",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff05::2",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.1.1.1",
]
PUBLIC += ["2600:1f18::1", "2a00:1450:4001::200e", "2001:4860:4860::8888", "2003::1"]


@pytest.mark.parametrize("url", NEVER)
@pytest.mark.parametrize("allowed", [Allowed(http=True)], ids=["http allowed"])
def test_this_is_never_called(url: str, allowed: Allowed):
    with pytest.raises(TargetNotAllowed):
        read_target(url.format(port=8000), allowed)


def test_the_list_is_long_enough():
    assert len(set(NEVER)) == len(NEVER) >= 60


@pytest.mark.parametrize("address", DENIED)
def test_no_name_leads_there(address: str):
    assert why_not(address, Allowed())


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called(address: str):
    assert why_not(address, Allowed()) is None
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    assert read_target(url, Allowed()).host == address


@pytest.mark.parametrize(
    ("url", "host", "port", "origin"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "https://hooks.example.com:443"),
        ("https://hooks.example.com/a?b=c&d=%20e", "hooks.example.com", 443, "https://hooks.example.com:443"),
        ("HTTPS://Hooks.Example.COM:8443/", "hooks.example.com", 8443, "https://hooks.example.com:8443"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example:443"),
        ("https://1password.com?x", "1password.com", 443, "https://1password.com:443"),
        ("https://3.com/", "3.com", 443, "https://3.com:443"),
        ("https://[2600:1F18:0::1]:444/", "2600:1f18::1", 444, "https://[2600:1f18::1]:444"),
    ],
)
def test_a_url_is_read_in_one_way(url: str, host: str, port: int, origin: str):
    target = read_target(url, Allowed())
    assert (target.host, target.port, target.origin) == (host, port, origin)


def test_http_and_this_machine_only_where_an_installation_says_so():
    for url in ("http://hooks.example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"):
        with pytest.raises(TargetNotAllowed):
            read_target(url, Allowed())
        assert read_target(url, Allowed(http=True, loopback=True)).url == url
    for url in ("http://10.0.0.1/", "http://[fe80::1]/", "http://127.1/", "http://[::ffff:127.0.0.1]/"):
        with pytest.raises(TargetNotAllowed):
            read_target(url, Allowed(http=True, loopback=True))


def test_an_installation_may_list_the_hosts_it_calls():
    listed = Allowed(hosts=("example.com", "1.1.1.1"))
    for url in ("https://example.com/", "https://hooks.example.com/", "https://1.1.1.1/"):
        assert read_target(url, listed)
    for url in ("https://example.org/", "https://badexample.com/", "https://example.com.evil.net/", "https://1.1.1.2/"):
        with pytest.raises(TargetNotAllowed):
            read_target(url, listed)

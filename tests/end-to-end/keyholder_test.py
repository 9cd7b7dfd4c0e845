#!/usr/bin/python3
"""TLS keys in the keyholder: kinds of keys, renewal, files that are wrong, the death of the keyholder,
session tickets, and that no byte of a key is anywhere in a dispatcher's memory."""
import concurrent.futures
import os
import pathlib
import re
import signal
import socket
import ssl
import unittest

import harness
from dispatchers_test import connections, two
from harness import DEADLINE, Dmpm, eventually, run

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def openssl(dmpm, *arguments):
    return run("openssl", *arguments, cwd=dmpm.authority.directory).stdout


def make_key(dmpm, base, kind):
    kinds = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
             "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
             "ed25519": ["ED25519"]}
    openssl(dmpm, "genpkey", "-algorithm", *kinds[kind], "-out", f"{base}.key")
    (dmpm.authority.directory / f"{base}.key").chmod(0o600)


def make_certificate(dmpm, name, kind, base=None, days="2"):
    """{"certificate", "key"} for the name, with a key of that kind."""
    base = base or f"{name}.{kind}"
    directory = dmpm.authority.directory
    make_key(dmpm, base, kind)
    openssl(dmpm, "req", "-new", "-key", f"{base}.key", "-out", f"{base}.csr", "-subj", f"/CN={name}")
    (directory / f"{base}.ext").write_text(f"subjectAltName=DNS:{name}\n", encoding="ascii")
    openssl(dmpm, "x509", "-req", "-in", f"{base}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", days, "-extfile", f"{base}.ext", "-out", f"{base}.crt")
    return {"certificate": str(directory / f"{base}.crt"), "key": str(directory / f"{base}.key")}


def context(dmpm, version=None):
    made = ssl.create_default_context(cafile=dmpm.authority.file)
    if version:
        made.minimum_version = made.maximum_version = VERSIONS[version]
    return made


class Client(harness.Client):
    """With a context of the test's own, and a session to be resumed."""

    def __init__(self, dmpm, with_context, name="a.test", session=None):
        raw = socket.create_connection(("127.0.0.1", dmpm.port), DEADLINE)
        self.sock = with_context.wrap_socket(raw, server_hostname=name, session=session)
        self.buffer = b""

    def serial(self):
        return self.sock.getpeercert()["serialNumber"]


def s_client(dmpm, name, *options):
    result = run("openssl", "s_client", "-connect", f"127.0.0.1:{dmpm.port}", "-CAfile",
                 dmpm.authority.file, "-servername", name, *options, check=False, input="",
                 timeout=DEADLINE)
    return result.stdout + result.stderr


def keyholder(dmpm):
    return eventually(lambda: dmpm.services("keyholder"), "the keyholder")[0]


def restart_keyholder(dmpm):
    old = keyholder(dmpm)
    os.kill(old, signal.SIGKILL)
    eventually(lambda: dmpm.services("keyholder") not in ([], [old]), "a new keyholder")


class Kinds(harness.SharedDmpm):
    """One virtual host for each kind of key, and one with two."""

    @classmethod
    def setUpClass(cls):
        cls.dmpm = Dmpm(hosts={})
        for name in ("rsa", "p256", "p384", "ed25519"):
            cls.add(f"{name}.test", make_certificate(cls.dmpm, f"{name}.test", name))
        for name, one, other in (("both.test", "p256", "rsa"), ("htob.test", "rsa", "p256")):
            tls = make_certificate(cls.dmpm, name, one)
            cls.add(name, {**tls, "second": make_certificate(cls.dmpm, name, other)})
        cls.dmpm.__enter__()

    @classmethod
    def add(cls, name, tls):
        cls.dmpm.settings["virtual_hosts"].append({"names": [name], "group": "alice", "tls": tls})

    def test_each_kind_of_key_in_both_versions(self):
        signature = {"rsa": "RSA-PSS", "p256": "ECDSA", "p384": "ECDSA", "ed25519": "Ed25519"}
        for name, expected in signature.items():
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(name, version=version):
                    said = s_client(self.dmpm, f"{name}.test", version)
                    self.assertIn("Verify return code: 0 (ok)", said)
                    self.assertRegex(said, rf"(?i)Peer signature type: {expected}\n")

    def test_every_algorithm_that_a_client_may_insist_on(self):
        for name, version, schemes in (
                ("rsa.test", "-tls1_3", ("rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384",
                                         "rsa_pss_rsae_sha512")),
                ("rsa.test", "-tls1_2", ("rsa_pss_rsae_sha256", "RSA+SHA256", "RSA+SHA384",
                                         "RSA+SHA512")),
                ("p256.test", "-tls1_2", ("ECDSA+SHA256", "ECDSA+SHA384", "ECDSA+SHA512")),
                ("p384.test", "-tls1_2", ("ECDSA+SHA256", "ECDSA+SHA384", "ECDSA+SHA512"))):
            for scheme in schemes:
                # The authority's own signature has to be allowed as well.
                with self.subTest(name, version=version, scheme=scheme):
                    said = s_client(self.dmpm, name, version, "-sigalgs",
                                    ":".join(dict.fromkeys((scheme, "ECDSA+SHA256"))))
                    self.assertIn("Verify return code: 0 (ok)", said)

    def test_each_client_gets_the_kind_that_it_can_use(self):
        for name in ("both.test", "htob.test"):
            for version in ("-tls1_2", "-tls1_3"):
                for schemes, expected in (("ECDSA+SHA256", "ECDSA"), ("RSA-PSS+SHA256", "RSA-PSS")):
                    with self.subTest(name, version=version, schemes=schemes):
                        said = s_client(self.dmpm, name, version, "-sigalgs", schemes)
                        self.assertIn(f"Peer signature type: {expected}", said)
                        self.assertRegex(said, rf"subject=CN = {name}")

    def test_key_exchanges(self):
        for group in ("X25519", "P-256", "P-384"):
            for version in ("-tls1_2", "-tls1_3"):
                for name in ("rsa.test", "p256.test"):
                    with self.subTest(group, version=version, name=name):
                        said = s_client(self.dmpm, name, version, "-groups", group,
                                        "-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256")
                        self.assertIn("Verify return code: 0 (ok)", said)


class Broken(unittest.TestCase):
    """What is wrong with one virtual host's files is that host's trouble, and named in the log."""

    def test_the_others_go_on(self):
        with Dmpm(hosts={"a.test": "alice"}) as dmpm:
            pass_phrase = ["-aes-256-cbc", "-pass", "pass:x"]
            cases = {name: make_certificate(dmpm, f"{name}.test", "p256") for name in
                     ("encrypted", "mismatched", "expired", "unreadable", "good")}
            paths = {name: pathlib.Path(tls["key"]) for name, tls in cases.items()}
            openssl(dmpm, "genpkey", "-algorithm", "ED25519", *pass_phrase, "-out",
                    paths["encrypted"])
            make_key(dmpm, "mismatched.test.p256", "p256")
            self.expire(dmpm, "expired.test.p256")
            paths["encrypted"].chmod(0o600)
            for name, tls in cases.items():
                dmpm.settings["virtual_hosts"].append(
                    {"names": [f"{name}.test"], "group": "alice", "tls": tls})
            dmpm.write_config()
            said = len(dmpm.log_text())
            dmpm.signal(signal.SIGHUP)
            eventually(lambda: self.is_served(dmpm, "good.test"), "the new hosts")
            # After the reload, which would have refused it: as a file system's trouble would.
            paths["unreadable"].rename(f"{paths['unreadable']}.away")
            expected = {
                "encrypted": "the private key is encrypted",
                "mismatched": "the private key does not belong to the certificate",
                "expired": "the certificate has expired",
                "unreadable": "No such file or directory",
            }
            for name, problem in expected.items():
                for _ in range(2):  # said once
                    with self.assertRaises((ssl.SSLError, OSError)):
                        dmpm.get(f"{name}.test")
                line = self.line_of(dmpm, f"{name}.test")
                where = rf"{re.escape(str(dmpm.config_file))}:{line}:\d+: "
                match = dmpm.wait_for_line(rf"^.*{where}.*{re.escape(problem)}.*$", said,
                                           dmpm.log_text)
                print(f"  {match[0]}")
                self.assertEqual(len(re.findall(where, dmpm.log_text()[said:])), 1)
                for good in ("a.test", "good.test"):
                    self.assertTrue(self.is_served(dmpm, good))

    @staticmethod
    def is_served(dmpm, name):
        try:
            return dmpm.get("a.test" if name == "a.test" else name).status == 200
        except (ssl.SSLError, OSError):
            return False

    @staticmethod
    def expire(dmpm, base):
        """A certificate whose validity was yesterday, by the key and the request that are there."""
        (dmpm.authority.directory / "index.txt").write_text("", encoding="ascii")
        (dmpm.authority.directory / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n", encoding="ascii")
        openssl(dmpm, "ca", "-config", "ca.cnf", "-batch", "-in", f"{base}.csr", "-cert", "ca.crt",
                "-keyfile", "ca.key", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
                "-notext", "-out", f"{base}.crt")

    @staticmethod
    def line_of(dmpm, name):
        """The line at which the virtual host of that name begins."""
        lines = dmpm.config_file.read_text(encoding="utf-8").splitlines()
        at = next(i for i, line in enumerate(lines) if f'"{name}"' in line)
        while lines[at].strip() != "{":
            at -= 1
        return at + 1


class Renewal(unittest.TestCase):
    def test_nobody_notices_a_renewal(self):
        with Dmpm() as dmpm:
            plain = context(dmpm)
            with Client(dmpm, plain) as client:
                self.assertEqual(client.get("a.test").status, 200)
                for _ in range(3):
                    before = client.serial()
                    dmpm.authority.certificate("a.test")  # a new key as well, in the same files
                    dmpm.signal(signal.SIGHUP)
                    eventually(lambda old=before: self.serial(dmpm, plain) != old,
                               "new connections get the new certificate")
                    self.assertEqual(client.get("a.test").status, 200)

    @staticmethod
    def serial(dmpm, with_context):
        with Client(dmpm, with_context) as client:
            return client.serial()

    def test_no_handshake_fails_while_certificates_are_renewed(self):
        with Dmpm() as dmpm, concurrent.futures.ThreadPoolExecutor(8) as pool:
            plain, ends, failed = context(dmpm), [], []

            def go_on():
                while not ends:
                    try:
                        self.serial(dmpm, plain)
                    except OSError as error:
                        failed.append(error)

            running = [pool.submit(go_on) for _ in range(8)]
            try:
                for _ in range(10):
                    old = self.serial(dmpm, plain)
                    # By rename, as programs that renew do: key and certificate of one time.
                    self.renew(dmpm)
                    dmpm.signal(signal.SIGHUP)
                    eventually(lambda old=old: self.serial(dmpm, plain) != old, "the new one")
            finally:
                ends.append(True)
                for one in running:
                    one.result()
            self.assertEqual(failed, [])

    @staticmethod
    def renew(dmpm):
        """Another certificate for the same key, in one step."""
        directory = dmpm.authority.directory
        openssl(dmpm, "x509", "-req", "-in", "a.test.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "a.test.ext", "-out", "a.test.next")
        (directory / "a.test.next").rename(directory / "a.test.crt")


class Death(unittest.TestCase):
    COUNT = 100

    def test_handshakes_of_the_moment_succeed_after_its_restart(self):
        for stopped in (True, False):
            with self.subTest(stopped=stopped), Dmpm() as dmpm, \
                    concurrent.futures.ThreadPoolExecutor(self.COUNT) as pool:
                plain = context(dmpm)
                with Client(dmpm, plain) as established:
                    self.assertEqual(established.get("a.test").status, 200)
                    old, (dispatcher,) = keyholder(dmpm), dmpm.services("dispatcher")
                    if stopped:
                        os.kill(old, signal.SIGSTOP)  # so that all of them wait
                    asked = [pool.submit(self.one, dmpm, plain) for _ in range(self.COUNT)]
                    if stopped:
                        eventually(lambda: connections(dispatcher) > self.COUNT, "all are there")
                    self.assertEqual(established.get("a.test").status, 200)
                    os.kill(old, signal.SIGKILL)
                    self.assertEqual([one.result() for one in asked], [200] * self.COUNT)
                    self.assertEqual(established.get("a.test").status, 200)
                    self.assertNotEqual(keyholder(dmpm), old)
                    self.assertEqual(dmpm.services("dispatcher"), [dispatcher])

    @staticmethod
    def one(dmpm, with_context):
        with Client(dmpm, with_context) as client:
            return client.get("a.test").status

    def test_again_and_again(self):
        with Dmpm() as dmpm:
            for _ in range(5):
                restart_keyholder(dmpm)
                self.assertEqual(dmpm.get("a.test").status, 200)
                self.assertEqual(dmpm.get("b.test").status, 200)


class Tickets(unittest.TestCase):
    @staticmethod
    def session(dmpm, with_context):
        with Client(dmpm, with_context) as client:
            client.get("a.test")  # with TLS 1.3 the ticket comes behind the handshake
            return client.sock.session

    def resumes(self, dmpm, with_context, session):
        with Client(dmpm, with_context, session=session) as client:
            self.assertEqual(client.get("a.test").status, 200)
            return client.sock.session_reused

    def test_sessions_are_resumed_by_every_dispatcher(self):
        for version in VERSIONS:
            with self.subTest(version), Dmpm(dispatcher=two()) as dmpm:
                own = context(dmpm, version)
                session = self.session(dmpm, own)
                clients, reached = [], dict.fromkeys(dmpm.services("dispatcher"), 0)
                try:
                    while not all(reached.values()) and len(clients) < 60:
                        clients.append(Client(dmpm, own, session=session))
                        self.assertEqual(clients[-1].get("a.test").status, 200)
                        self.assertTrue(clients[-1].sock.session_reused)
                        reached = {pid: connections(pid) for pid in reached}
                    self.assertTrue(all(reached.values()), reached)
                finally:
                    for client in clients:
                        client.close()

    def test_they_outlive_one_restart_of_the_keyholder(self):
        for version in VERSIONS:
            with self.subTest(version), Dmpm() as dmpm:
                own = context(dmpm, version)
                session = self.session(dmpm, own)
                restart_keyholder(dmpm)
                # A signature of the new keyholder's: its ticket keys came before.
                newer = self.session(dmpm, own)
                self.assertTrue(self.resumes(dmpm, own, session))
                restart_keyholder(dmpm)
                self.session(dmpm, own)
                self.assertTrue(self.resumes(dmpm, own, newer))
                self.assertFalse(self.resumes(dmpm, own, session))

    def test_a_new_dispatcher_gets_the_keys(self):
        for version in VERSIONS:
            with self.subTest(version), Dmpm() as dmpm:
                own = context(dmpm, version)
                session = self.session(dmpm, own)
                os.kill(dmpm.services("dispatcher")[0], signal.SIGKILL)
                self.assertTrue(self.resumes(dmpm, own, session))

    def test_a_session_of_one_host_is_no_way_to_anothers_certificate(self):
        for version in VERSIONS:
            with self.subTest(version), Dmpm() as dmpm:
                own = context(dmpm, version)
                session = self.session(dmpm, own)
                with Client(dmpm, own, name="b.test", session=session) as client:
                    self.assertEqual(client.get("b.test").status, 200)


class Memory(unittest.TestCase):
    """Private numbers are in the keyholder's memory, and in no dispatcher's."""

    # 15 bytes in a row of a secret have one such block of it in them, wherever they begin.
    BLOCK = 8

    def test_no_byte_of_a_key_is_in_a_dispatcher(self):
        dmpm, secrets = Dmpm(hosts={}), {}
        for kind in ("rsa", "p256"):
            tls = make_certificate(dmpm, f"{kind}.test", kind)
            dmpm.settings["virtual_hosts"].append(
                {"names": [f"{kind}.test"], "group": "alice", "tls": tls})
            secrets |= self.secrets(dmpm, kind, tls["key"])
        with dmpm:
            for version in VERSIONS:
                for kind in ("rsa", "p256"):
                    own = context(dmpm, version)
                    for _ in range(20):
                        with Client(dmpm, own, name=f"{kind}.test") as client:
                            self.assertEqual(client.get(f"{kind}.test").status, 200)
            (dispatcher,) = dmpm.services("dispatcher")
            self.assertEqual(self.find(dispatcher, secrets), set())
            found = self.find(keyholder(dmpm), secrets)
            print(f"  in the keyholder: {', '.join(sorted(found))}")
            # By the same search: or the one above would show nothing. RSA is computed with the
            # primes alone; libcrypto keeps d as well.
            self.assertLessEqual({"p256 scalar", "rsa p", "rsa q"}, found)

    @classmethod
    def secrets(cls, dmpm, kind, path):
        """{name: bytes}: each private number as it stands in files, and as libcrypto keeps it."""
        text = openssl(dmpm, "pkey", "-in", path, "-noout", "-text")
        names = {"p256": {"priv": "scalar"},
                 "rsa": {"privateExponent": "d", "prime1": "p", "prime2": "q",
                         "exponent1": "dp", "exponent2": "dq", "coefficient": "qinv"}}[kind]
        found = {}
        for title, name in names.items():
            digits = re.search(rf"^{title}:\n((?: +[0-9a-f:]+\n)+)", text, re.MULTILINE)[1]
            number = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
            found[f"{kind} {name}"] = number
        lines = pathlib.Path(path).read_text(encoding="ascii").splitlines()[1:-1]
        # Of an EC key's lines the last ones are its public half.
        found[f"{kind} PEM"] = "".join(lines[:1] if kind == "p256" else lines[3:-1]).encode()
        return found

    @classmethod
    def find(cls, pid, secrets):
        """Which secrets are in the process's memory, in part."""
        image = memory(pid)
        found = set()
        for name, number in secrets.items():
            for form in (number, number[::-1]):  # big-endian, and as little-endian words
                blocks = [form[at:at + cls.BLOCK] for at in range(0, len(form), cls.BLOCK)]
                if any(len(block) == cls.BLOCK and block in image for block in blocks):
                    found.add(name)
        return found


def memory(pid):
    """Every readable page of a process that is not all zeros, as an image of it would have them."""
    zeros, pages = bytes(4096), []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for line in maps:
            extent, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in extent.split("-"))
            # A sanitizer's shadow of all addresses is larger than any memory.
            if rights[0] != "r" or "[v" in line or end - begin > 1 << 30:
                continue
            for at in range(begin, end, 1 << 20):
                piece = os.pread(file.fileno(), min(1 << 20, end - at), at)
                pages += [page for i in range(0, len(piece), 4096)
                          if (page := piece[i:i + 4096]) != zeros]
    return b"".join(pages)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/python3
"""SIGHUP: what changed comes into force, what did not is left alone, a wrong file changes nothing."""
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, python_worker
from websocket_test import WebSocket


class Reload(unittest.TestCase):
    def reload(self, dmpm):
        """SIGHUP, and what the log says from then on."""
        before = len(dmpm.log_text())
        dmpm.signal(signal.SIGHUP)
        return lambda: dmpm.log_text()[before:]

    def test_a_site_is_added_in_place(self):
        with Dmpm(groups={"alice": python_worker(ALICE)}, hosts={"a.test": "alice"}) as dmpm:
            with dmpm.connect() as client:
                alice = client.get("a.test").json()["pid"]
                dispatchers = dmpm.services("dispatcher")
                self.assertEqual(client.get("b.test").status, 421)
                dmpm.add_group("bob", python_worker(BOB))
                dmpm.add_host("b.test", "bob")
                dmpm.write_config()
                self.reload(dmpm)
                # On the connection that was open before.
                eventually(lambda: client.get("b.test").status == 200, "the new site is served")
                self.assertEqual(client.get("a.test").json()["pid"], alice)
                self.assertEqual(dmpm.services("dispatcher"), dispatchers)
            self.assertEqual(dmpm.get("b.test").status, 200)  # with its own certificate

    def test_a_wrong_file_changes_nothing_and_says_why(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            alice = client.get("a.test").json()["pid"]
            services = {name: dmpm.services(name) for name in ("dispatcher", "logger")}
            dmpm.write_config('{\n  "listen": [],\n  "nonsense": 1\n}\n')
            said = self.reload(dmpm)
            eventually(lambda: re.search(rf"{dmpm.config_file}:3:3: .*nonsense", said()),
                       "the log says where the file is wrong")
            self.assertEqual(client.get("a.test").json()["pid"], alice)
            self.assertEqual(client.get("b.test").status, 200)
            self.assertEqual({name: dmpm.services(name) for name in services}, services)
            # And a right one helps again.
            dmpm.settings["virtual_hosts"] = dmpm.settings["virtual_hosts"][:1]
            dmpm.write_config()
            self.reload(dmpm)
            eventually(lambda: client.get("b.test").status == 421, "the site was removed")

    def test_a_changed_group_gets_a_new_worker_and_the_old_one_finishes(self):
        with Dmpm() as dmpm, dmpm.connect() as slow, dmpm.connect() as client:
            slow.send_request("GET", "a.test", "/wait/go")
            home = dmpm.home("alice")
            eventually((home / "go.seen").exists, "the request arrived")
            (old,) = dmpm.workers(ALICE)
            bob = client.get("b.test").json()["pid"]
            dmpm.settings["groups"]["alice"]["worker"]["environment"] = {"NEW": "1"}
            dmpm.write_config()
            self.reload(dmpm)
            eventually(lambda: client.get("a.test").json()["pid"] != old, "a new worker serves")
            self.assertFalse(harness.has_gone(old))
            (home / "go").touch()
            self.assertEqual(slow.answer().json()["pid"], old)
            eventually(lambda: harness.has_gone(old), "the old worker has gone")
            self.assertEqual(client.get("b.test").json()["pid"], bob)

    def test_a_renewed_certificate_is_used(self):
        with Dmpm() as dmpm, dmpm.connect() as client:
            client.get("a.test")

            def serial():
                with dmpm.connect() as other:
                    return ssl.DER_cert_to_PEM_cert(other.sock.getpeercert(binary_form=True))

            before = serial()
            dmpm.authority.certificate("a.test")
            self.reload(dmpm)
            eventually(lambda: serial() != before, "the new certificate")
            self.assertEqual(client.get("a.test").status, 200)

    def test_a_renewal_that_is_half_done_changes_nothing(self):
        with Dmpm() as dmpm:
            pair = dmpm.settings["virtual_hosts"][0]["tls"]
            served, begin = dmpm.get("a.test").status, self.certificate(dmpm)
            self.assertEqual(served, 200)
            key = pathlib.Path(pair["key"]).read_text()
            dmpm.authority.certificate("a.test")
            new_key = pathlib.Path(pair["key"]).read_text()
            pathlib.Path(pair["key"]).write_text(key)
            answer = dmpm.command("reload")
            self.assertIn("1 certificates renewed", answer.stdout)
            dmpm.wait_for_line(r"the private key does not belong to the certificate")
            self.assertEqual((self.certificate(dmpm), dmpm.get("a.test").status), (begin, 200))
            pathlib.Path(pair["key"]).write_text(new_key)
            self.reload_done(dmpm)
            eventually(lambda: self.certificate(dmpm) != begin, "the new certificate")

    @staticmethod
    def certificate(dmpm):
        with dmpm.connect() as client:
            return client.sock.getpeercert(binary_form=True)

    def test_a_broken_site_file_is_that_sites_trouble(self):
        with Dmpm(groups={"alice": python_worker(ALICE)}, hosts={"a.test": "alice"}) as dmpm:
            sites = dmpm.directory / "sites.d"
            sites.mkdir()
            dmpm.add_group("bob", python_worker(BOB))
            dmpm.add_host("b.test", "bob")
            bob = {"groups": {"bob": dmpm.settings["groups"].pop("bob")},
                   "virtual_hosts": [dmpm.settings["virtual_hosts"].pop()]}
            (sites / "bob.json").write_text(json.dumps(bob))
            dmpm.settings["include"] = [f"{sites}/*.json"]
            dmpm.write_config()
            self.reload(dmpm)
            eventually(lambda: dmpm.get("a.test").status == 200 and self.serves(dmpm, "b.test"),
                       "the included site is served")
            (sites / "bob.json").write_text('{"groups": {"bob": 7}}')
            said = self.reload(dmpm)
            eventually(lambda: re.search(r"bob\.json:1:\d+: ", said()), "the file is reported")
            self.assertEqual(dmpm.get("b.test").status, 200)
            # Whoever waits for the reload is told, what else is in order comes into force.
            dmpm.add_host("c.test", "alice")
            dmpm.write_config()
            answer = dmpm.command("reload")
            self.assertEqual(answer.returncode, 1)
            self.assertRegex(answer.stderr + answer.stdout, r"bob\.json:1:\d+: ")
            self.assertIn("1 virtual hosts changed; what is wrong stays as it was", answer.stderr + answer.stdout)
            self.assertEqual(dmpm.get("c.test").status, 200)
            (sites / "bob.json").write_text(json.dumps(bob))
            self.reload_done(dmpm)

    def test_listen_changes_in_place(self):
        with Dmpm() as dmpm:
            worker = dmpm.get("a.test").json()["pid"]
            (old,) = dmpm.services("dispatcher")
            with dmpm.connect() as idle, dmpm.connect() as slow:
                idle.get("a.test")
                slow.send_request("GET", "a.test", "/wait/go")
                home = dmpm.home("alice")
                eventually((home / "go.seen").exists, "the request arrived")
                dmpm.settings["listen"].append({"address": "127.0.0.2:0", "tls": True})
                self.reload_done(dmpm)
                line = dmpm.wait_for_line(r"listening on https 127\.0\.0\.2:(\d+)$")
                with harness.Client(int(line[1]), dmpm.authority.file, sni="a.test",
                                    address="127.0.0.2") as client:
                    self.assertEqual(client.get("a.test").json()["pid"], worker)
                self.assertEqual(dmpm.get("a.test").status, 200)  # the address that stays
                self.assertEqual(idle.get("a.test").header("connection"), "close")
                (home / "go").touch()
                self.assertEqual(slow.answer().status, 200)
            eventually(lambda: old not in dmpm.services("dispatcher"), "the old dispatcher has gone")
            del dmpm.settings["listen"][1]
            self.reload_done(dmpm)
            eventually(lambda: self.refuses("127.0.0.2", int(line[1])), "the address is free again")
            self.assertEqual(dmpm.get("a.test").status, 200)

    def test_an_address_that_cannot_be_had_changes_nothing(self):
        with Dmpm() as dmpm, socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            services = dmpm.services("dispatcher")
            dmpm.settings["listen"].append({"address": f"127.0.0.1:{port}"})
            dmpm.add_host("c.test", "alice")
            dmpm.write_config()
            answer = dmpm.command("reload")
            self.assertEqual(answer.returncode, 1)
            self.assertIn(f"cannot listen on 127.0.0.1:{port}: Address already in use", answer.stderr)
            self.assertEqual(dmpm.services("dispatcher"), services)
            with dmpm.connect() as client:
                self.assertEqual(client.get("c.test").status, 421)

    def test_websockets_of_unchanged_sites_survive_every_reload(self):
        groups = {"alice": harness.group(ALICE, ["/usr/bin/python3", "-IS",
                                                 "{top}/websocket_worker.py"]),
                  "bob": python_worker(BOB)}
        dmpm = Dmpm(groups=groups, hosts=harness.TWO_HOSTS)
        shutil.copy(harness.HERE / "websocket_worker.py", dmpm.directory)
        with dmpm, dmpm.connect() as client, dmpm.connect() as keep_alive:
            websocket = WebSocket(client, "/echo")
            keep_alive.get("b.test")
            worker = dmpm.workers(ALICE)
            for i in range(5):
                dmpm.settings["groups"]["bob"]["worker"]["environment"] = {"I": str(i)}
                dmpm.add_host(f"new{i}.test", "bob")
                dmpm.settings["limits"] = {"connections": 1000 + i}
                self.reload_done(dmpm)
                websocket.send(b"message %d" % i)
                self.assertEqual(websocket.receive()[1], b"message %d" % i)
                self.assertEqual(keep_alive.get("b.test").status, 200)
            self.assertEqual(dmpm.workers(ALICE), worker)

    def reload_done(self, dmpm):
        dmpm.write_config()
        answer = dmpm.command("reload")
        self.assertEqual(answer.returncode, 0, answer)

    def refuses(self, address, port):
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            return True
        return False

    def serves(self, dmpm, host):
        with dmpm.connect() as client:
            return client.get(host).status == 200


if __name__ == "__main__":
    harness.main()

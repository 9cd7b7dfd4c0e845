#!/usr/bin/python3
"""SIGHUP: what changed comes into force, what did not is left alone, a wrong file changes nothing."""
import json
import re
import signal
import ssl
import unittest

import harness
from harness import ALICE, BOB, Dmpm, eventually, python_worker


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

    def serves(self, dmpm, host):
        with dmpm.connect() as client:
            return client.get(host).status == 200


if __name__ == "__main__":
    harness.main()

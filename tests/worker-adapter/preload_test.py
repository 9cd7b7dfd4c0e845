#!/usr/bin/python3
"""Servers that know of TCP only, listening on an inherited Unix socket: one of ours that treats its
socket in every way we know of, and real ones."""
import os
import re
import shutil
import signal
import socket
import unittest

from adapter import BIN, AdapterTest, eventually, read_all

SERVER = BIN / "dmpm-preload_server"
LINE = re.compile(r"local=127\.0\.0\.1:(\d+) peer=127\.0\.0\.1:\d+ accepted=127\.0\.0\.1:\d+ "
                  r"listener=(\S+) inet=1 pid=(\d+)\n")
PORT = 61234


class Preload(AdapterTest):
    def serve(self, mode, *options):
        return self.start("preload", *options, "--", SERVER, mode, PORT)

    def ask(self, word="hello"):
        """The process that answered, once it has told what it sees."""
        line = self.exchange(word.encode()).decode()
        match = LINE.fullmatch(line)
        self.assertTrue(match, (line, self.said()))
        self.assertEqual(int(match[1]), PORT)
        return int(match[3])

    def test_every_way_to_get_at_the_socket(self):
        for mode in ("plain", "epoll", "dup", "poll", "child-closes", "numbers"):
            with self.subTest(mode):
                process = self.serve(mode)
                for _ in range(3):
                    self.assertEqual(self.ask(), process.pid)
                self.ask("stop")
                self.assertEqual(process.wait(), 0)

    def test_nobody_listens_on_the_port(self):
        self.serve("plain")
        self.ask()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", PORT), 1)

    def test_a_static_program_is_refused(self):
        """Nothing can be preloaded into one, so it would open its port on the machine."""
        process = self.start("preload", "--", "/sbin/ldconfig", "-p")
        self.assertEqual(process.wait(), 127)
        self.assertIn("/sbin/ldconfig is linked statically", self.said())

    def test_children_share_it(self):
        process = self.serve("children")
        pids = {self.ask() for _ in range(20)}
        self.assertNotIn(process.pid, pids)
        victim = min(pids)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{victim}"), "its end")
        self.assertIsNotNone(self.ask())

    def test_it_survives_exec(self):
        # Handed on as a descriptor, and bound anew after all were closed.
        for mode in ("inherit", "plain"):
            with self.subTest(mode):
                process = self.serve(mode)
                for _ in range(3):
                    self.assertEqual(self.ask("again"), process.pid)
                self.ask("stop")
                self.assertEqual(process.wait(), 0)

    def test_a_second_port_is_refused_and_a_private_one_is_not(self):
        process = self.serve("second")
        self.ask()
        self.assertIn("second: Permission denied", self.said())
        self.assertIn(f"refused to listen on port {PORT + 1}: port {PORT} is", self.said())
        self.assertIn("private: bound", self.said())
        self.end(process)

    def test_the_port_can_be_named(self):
        self.start("preload", f"port={PORT}", "--", "/bin/sh", "-c",
                   f"{SERVER} plain {PORT + 1}; exec {SERVER} plain {PORT}")
        self.ask()
        self.assertIn("bind: Permission denied", self.said())

    def test_a_successor_is_not_surprised_by_how_it_was_left(self):
        first = self.serve("nonblocking")
        self.ask()
        self.assertEqual(first.wait(), 0)
        process = self.serve("plain")  # waits in accept
        self.assertEqual(self.ask(), process.pid)

    def test_what_fails_is_said(self):
        self.assertEqual(self.start("preload", "--", "/nowhere/server").wait(), 127)
        self.assertIn("dmpm-worker-adapter: exec /nowhere/server: No such file", self.said())
        self.assertEqual(
            self.start("preload", "preload_library=/nowhere.so", "--", "/bin/true").wait(), 127)
        self.assertIn("dmpm-worker-adapter: /nowhere.so: No such file", self.said())


class RealServers(AdapterTest):
    def test_python_http_server(self):
        (self.directory / "page.txt").write_text("static")
        self.start("preload", "--", "/usr/bin/python3", "-m", "http.server", "8000")
        head, body = self.get("/page.txt")
        self.assertTrue(head.startswith("HTTP/1.0 200"), head)
        self.assertEqual(body, b"static")
        self.assertIn("127.0.0.1 - - [", self.said())

    @unittest.skipUnless(shutil.which("php"), "no php")
    def test_php(self):
        (self.directory / "index.php").write_text(
            '<?php echo $_SERVER["REMOTE_ADDR"], " ", $_SERVER["SERVER_PORT"];')
        for workers in ("", "3"):
            process = self.start("preload", "--", "/usr/bin/php", "-S", "0.0.0.0:8000",
                                 PHP_CLI_SERVER_WORKERS=workers)
            self.assertEqual(self.get()[1], b"127.0.0.1 8000")
            self.end(process)

    @unittest.skipUnless(shutil.which("node"), "no node")
    def test_node(self):
        script = self.directory / "server.js"
        script.write_text("""
            const http = require("http"), cluster = require("cluster");
            if (process.argv[2] == "cluster" && cluster.isPrimary) {
              cluster.fork(); cluster.fork();
            } else {
              const server = http.createServer((request, response) =>
                response.end(request.socket.remoteAddress + " " + server.address().port));
              server.listen(process.env.PORT || 3000);
            }""")
        for words in ((), ("cluster",)):
            process = self.start("preload", "--", "/usr/bin/node", script, *words)
            for _ in range(3):
                # Node prefers IPv6 where there is any.
                    self.assertRegex(self.get()[1], rb"^(::ffff:)?127\.0\.0\.1 3000$", self.said())
            self.end(process)

    @unittest.skipUnless(shutil.which("gunicorn"), "no gunicorn")
    def test_gunicorn(self):
        (self.directory / "app.py").write_text(
            "import os\n"
            "def application(environ, start):\n"
            "    start('200 OK', [])\n"
            "    return [f\"{environ['REMOTE_ADDR']} {os.getppid()}\".encode()]\n")
        process = self.start("preload", "--", "/usr/bin/gunicorn", "-b", "0.0.0.0:8000", "-w", "2",
                             "app")
        self.assertEqual(self.get()[1], b"127.0.0.1 %d" % process.pid)
        process.send_signal(signal.SIGHUP)  # new children
        self.assertEqual(self.get()[1], b"127.0.0.1 %d" % process.pid)
        # It executes itself: the new one is a child, and serves when the old one has gone.
        process.send_signal(signal.SIGUSR2)
        successor = eventually(lambda: self.pid_in("app.pid.2") or self.other_master(process.pid),
                               "a new gunicorn")
        process.send_signal(signal.SIGTERM)
        process.wait()
        self.assertEqual(self.get()[1], b"127.0.0.1 %d" % successor)

    def pid_in(self, name):
        path = self.directory / name
        return int(path.read_text()) if path.exists() and path.read_text().strip() else 0

    def other_master(self, pid):
        """A process of our session that listens, and is not `pid` or one of its workers."""
        match = re.search(r"\[(\d+)\] \[INFO\] Listening at(?!.*\n.*\[%d\] \[INFO\] Listening)" % pid,
                          "\n".join(line for line in self.said().split("\n")
                                    if f"[{pid}]" not in line))
        return int(match[1]) if match else 0

    @unittest.skipUnless(shutil.which("apache2"), "no Apache")
    def test_apache_with_each_mpm(self):
        (self.directory / "page.txt").write_text("static")
        for mpm in ("prefork", "worker", "event"):
            with self.subTest(mpm):
                configuration = self.directory / f"{mpm}.conf"
                configuration.write_text(f"""
                    ServerRoot {self.directory}
                    ServerName a.test
                    PidFile {self.directory}/{mpm}.pid
                    DefaultRuntimeDir {self.directory}
                    ErrorLog /dev/stderr
                    Listen 8000
                    DocumentRoot {self.directory}
                    LoadModule mpm_{mpm}_module /usr/lib/apache2/modules/mod_mpm_{mpm}.so
                    LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
                    LogFormat "%a %p" short
                    CustomLog {self.directory}/{mpm}.log short
                    StartServers 2
                    ThreadsPerChild 8
                    """.replace("ThreadsPerChild 8" if mpm == "prefork" else "\0", ""))
                process = self.start("preload", "--", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f",
                                     configuration)
                self.assertEqual(self.get("/page.txt")[1], b"static", self.said())
                for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR1):
                    restarts = self.said().count("resuming normal operations")
                    process.send_signal(number)
                    eventually(lambda: self.said().count("resuming normal operations") > restarts,
                               "the restart")
                    self.assertEqual(self.get("/page.txt")[1], b"static", self.said())
                log = (self.directory / f"{mpm}.log").read_text()
                self.assertEqual(log.split("\n"), 4 * ["127.0.0.1 80"] + [""])
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

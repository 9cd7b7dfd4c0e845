#!/usr/bin/python3
"""packaging/import-site: what it makes is accepted, and what it does not take along it names. The plain cases
are in docs/moving-from-*.md."""
import json
import pathlib
import re
import tempfile
import unittest

import harness
import page
from harness import ALICE

APACHE = """
<Directory /home/alice/htdocs>
  Require ip 192.0.2.0/24
</Directory>
Listen 443
<VirtualHost *:80>
  ServerName a.example
  RedirectPermanent / https://a.example/
</VirtualHost>
<VirtualHost *:443>
  ServerAlias www.a.example *.b.example bad*.example
  ServerName https://a.example:443
  <IfModule mpm_itk_module>
    AssignUserID USER USER
    MaxClientsVHost 20
    NiceValue 5
  </IfModule>
  DocumentRoot "/home/alice/htdocs/"
  DirectoryIndex home.php index.html
  php_admin_value disable_functions "exec,system"
  php_value include_path "a$b"
  CustomLog "/var/log/apache2/a.log" \\
    "%h %r"
  SSLEngine On
  SSLCertificateFile /etc/a.crt
  SSLCertificateKeyFile /etc/a.key
  SSLCertificateFile /etc/a-rsa.crt
  SSLCertificateKeyFile /etc/a-rsa.key
  SSLProtocol TLSv1.3
  RewriteEngine On
  Alias /icons /usr/share/icons
  <Location /admin>
    Require valid-user
  </Location>
  <Directory /home/alice/htdocs>
    AllowOverride None
    Options -Indexes +FollowSymLinks Includes
    AuthType Basic
  </Directory>
</VirtualHost>
"""
# Words of each line on standard error, in order.
APACHE_LEFT = (
    (":11", r"bad\*\.example"), (":16", "nicevalue 5"), (":21", r"include_path = a\$b"), (":22", "log format %h %r"),
    (":29", "sslprotocol TLSv1.3"), (":30", "rewriteengine On.*htaccess"), (":31", "alias /icons"),
    (":32", "<location /admin>"), (":36", "allowoverride None"), (":37", "options Includes"),
    (":38", "authtype Basic"), (":3", "require ip 192"))

NGINX = """
limit_req_zone $binary_remote_addr zone=one:10m rate=1r/s;
server { listen 80; server_name a.example; return 301 https://a.example$request_uri; }
server {
  listen 443 ssl default_server; # ours
  server_name .a.example "~^(www\\.)?b";
  root /home/alice/htdocs;
  ssl_certificate /etc/a.crt; ssl_certificate_key /etc/a.key;
  ssl_protocols TLSv1.3;
  access_log off;
  client_max_body_size 20m;
  auth_basic "closed";
  deny 192.0.2.0/24;
  location / { try_files $uri $uri/ =404; }
  location ~ /\\.ht { deny all; }
  location /api { proxy_pass http://127.0.0.1:3000; }
  location ~ \\.php$ {
    include fastcgi_params;
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_param PHP_VALUE "a=b";
    fastcgi_pass unix:/run/php/a.sock;
  }
}
"""
NGINX_LEFT = (
    (":5", "listen 443 ssl default_server"), (":6", r"~\^\(www"), (":9", "ssl_protocols"),
    (":11", "client_max_body_size"), (":12", "auth_basic closed"), (":13", "deny 192"), (":16", "location /api"),
    (":20", "fastcgi_param PHP_VALUE"), (":2", "limit_req_zone"), ("pool:8", "chroot = /srv"))

POOL = """; a comment
[a]
user = USER
listen = /run/php/a.sock
pm = dynamic
pm.max_children = 300
rlimit_files = 512 ; a comment
chroot = /srv
env[A] = "b c"
php_flag[display_errors] = off
"""


class ImportSite(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="dmpm-import.", dir="/var/tmp")
        self.addCleanup(self.directory.cleanup)

    def make(self, server, *texts, options=()):
        """What it says of files with these texts."""
        paths = []
        for name, text in zip(("site", "pool"), texts):
            paths.append(pathlib.Path(self.directory.name, name))
            paths[-1].write_text(text.replace("USER", ALICE), encoding="utf-8")
        return harness.run(page.CHECKOUT / "packaging/import-site", server, *options, *paths, check=False)

    def check(self, done, left):
        """The site, which dmpm accepts; and that nothing else than `left` was left out."""
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(left), done.stderr)
        for line, (place, what) in zip(lines, left):
            self.assertRegex(line, rf"^\S*{place}: .*{what}")
        return self.accepted(done.stdout)

    def accepted(self, text):
        directory = pathlib.Path(self.directory.name)
        (directory / "sites.d").mkdir()
        site = re.sub(r'("(?:certificate|key)": )"/etc/', rf'\1"{directory}/', text)
        (directory / "sites.d/site.json").write_text(site, encoding="utf-8")
        authority = harness.Authority(directory / "ca")
        for name in ("a", "a-rsa"):
            made = authority.certificate(name)
            for kind, end in (("certificate", "crt"), ("key", "key")):
                pathlib.Path(made[kind]).rename(directory / f"{name}.{end}")
        users = {part: {"user": user} for part, user in (
            ("dispatcher", harness.PROXY), ("keyholder", harness.KEYS), ("logger", harness.LOG))}
        (directory / "dmpm.json").write_text(json.dumps({
            "listen": [{"address": "*:443", "tls": True}], **users,
            "include": [f"{directory}/sites.d/*.json"]}), encoding="utf-8")
        done = harness.run(harness.BIN / "dmpm", "check", "--config", directory / "dmpm.json", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(text)

    def test_apache(self):
        site = self.check(self.make("apache", APACHE), APACHE_LEFT)
        self.assertEqual(site["groups"], {"a.example": {
            "permissions": {"user": ALICE, "group": ALICE},
            "worker": {"preset": "apache", "document_root": "/home/alice/htdocs",
                       "index": ["home.php", "index.html"],
                       "php_ini": {"disable_functions": "exec,system"}},
            "scale": {"connections_per_worker": 20}}})
        self.assertEqual(site["virtual_hosts"], [{
            "names": ["a.example", "www.a.example", "*.b.example"], "group": "a.example",
            "tls": {"certificate": "/etc/a.crt", "key": "/etc/a.key",
                    "second": {"certificate": "/etc/a-rsa.crt", "key": "/etc/a-rsa.key"}},
            "access_log": {"file": "a.log"}}])

    def test_nginx(self):
        site = self.check(self.make("nginx", NGINX, POOL), NGINX_LEFT)
        self.assertEqual(site["groups"], {"a.example": {
            "permissions": {"user": ALICE, "resource_limits": {"open_files": 512}},
            "worker": {"preset": "php", "document_root": "/home/alice/htdocs", "processes": 256,
                       "environment": {"A": "b c"}, "php_ini": {"display_errors": "off"}}}})
        self.assertEqual(site["virtual_hosts"], [{
            "names": ["a.example", "*.a.example"], "group": "a.example",
            "tls": {"certificate": "/etc/a.crt", "key": "/etc/a.key"}, "access_log": False}])

    def test_behind_the_old_server(self):
        done = self.make("nginx", NGINX, options=("--behind", "/run/x.socket"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        site = json.loads(done.stdout)
        self.assertEqual(site["groups"]["a.example"]["worker"]["command"][-1], "/run/x.socket")
        self.assertEqual(site["virtual_hosts"][0]["names"], ["a.example", "*.a.example"])

    def test_no_site(self):
        for server, texts, reason in (
                ("apache", ["ServerName a.example\n"], "0 virtual hosts"),
                ("apache", [APACHE + APACHE], "2 virtual hosts"),
                ("apache", [APACHE.replace("AssignUserID USER USER", "")], "which user"),
                ("apache", [APACHE.replace("DocumentRoot", "#")], "no document root"),
                ("apache", ["<VirtualHost *>\nServerName a.example\nAssignUserID alice\n</VirtualHost>"], ""),
                ("nginx", [NGINX], "which user"),
                ("nginx", [NGINX, POOL.replace("a.sock", "b.sock")], "listens on /run/php/b.sock"),
                ("nginx", [NGINX.replace("server_name .a.example", "#"), POOL], "no name"),
                ("nginx", ["events { }"], "0 servers")):
            with self.subTest(reason):
                done = self.make(server, *texts)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertRegex(done.stderr, rf"^import-site: .*{reason}")


if __name__ == "__main__":
    harness.main()

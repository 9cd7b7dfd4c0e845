"""nginx, Apache and lighttpd as workers that take the client's address from the PROXY header alone.

Each answers GET / with its client's address and port (Apache tells the preload library's port); nginx
with the number of the connection, too.
"""
import shutil

from harness import ALICE, BOB, CAROL, group

NGINX = """daemon off; pid {home}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type text/plain;
  client_body_temp_path {home}/n1; proxy_temp_path {home}/n2; fastcgi_temp_path {home}/n3;
  uwsgi_temp_path {home}/n4; scgi_temp_path {home}/n5;
  set_real_ip_from unix:;
  real_ip_header proxy_protocol;
  server {{
    listen unix:@SOCKET@ proxy_protocol;
    location / {{ return 200 "$remote_addr $remote_port $connection"; }}
  }}
}}
"""
NGINX_START = """#!/bin/sh
set -e
sed "s|@SOCKET@|$1|" {home}/nginx.conf >{home}/nginx.run
export NGINX="3;"
exec /usr/sbin/nginx -p {home} -c {home}/nginx.run
"""
APACHE = """ServerRoot "{home}"
DefaultRuntimeDir "{home}"
PidFile "{home}/apache.pid"
ErrorLog /dev/stderr
ServerName apache.test
Listen 8080
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so
ScriptSock {home}/cgid.socket
RemoteIPProxyProtocol On
DocumentRoot "{home}"
ScriptAliasMatch "^/$" "{home}/who.cgi"
<Directory "{home}">
  Require all granted
</Directory>
"""
LIGHTTPD = """server.systemd-socket-activation = "enable"
server.modules = ("mod_extforward", "mod_alias", "mod_cgi")
server.document-root = "{home}"
extforward.forwarder = ("all" => "trust")
extforward.headers = ()
extforward.hap-PROXY = "enable"
alias.url = ("/" => "{home}/who.cgi")
cgi.assign = ("" => "")
"""
WHO = """#!/bin/sh
printf 'Content-Type: text/plain\\n\\n%s %s' "$REMOTE_ADDR" "$REMOTE_PORT"
"""

# Group -> its user, its command, its files.
SERVERS = {
    "nginx": (ALICE, ["/bin/sh", "{home}/start.sh", "{socket}"],
              {"nginx.conf": NGINX, "start.sh": NGINX_START}),
    "apache": (BOB, ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", "{home}/apache.conf"],
               {"apache.conf": APACHE, "who.cgi": WHO}),
    "lighttpd": (CAROL, ["/usr/sbin/lighttpd", "-D", "-f", "{home}/lighttpd.conf"],
                 {"lighttpd.conf": LIGHTTPD, "who.cgi": WHO}),
}
ACTIVATION = {"nginx": "argument", "apache": "preload", "lighttpd": "listen_fds"}


def long_name(name):
    """As long as a name may be that the header tells (limits::kMaxProxyAuthority)."""
    rest = f".{'x' * 40}.{name}.test"
    return "x" * (100 - len(rest)) + rest


def add(dmpm, name):
    """Adds the server as group and as hosts NAME.test and long_name(NAME)."""
    user, command, files = SERVERS[name]
    server = group(user, command)
    server["worker"] |= {"activation": ACTIVATION[name], "proxy_protocol": True}
    dmpm.add_group(name, server)
    names = [f"{name}.test", long_name(name)]
    dmpm.settings["virtual_hosts"].append({"names": names, "group": name,
                                           "tls": dmpm.authority.certificate(*names)})
    home = dmpm.home(name)
    for file, text in files.items():
        (home / file).write_text(text.format(home=home))
        shutil.chown(home / file, user, user)
        (home / file).chmod(0o700)

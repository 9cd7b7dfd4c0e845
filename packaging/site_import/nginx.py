"""One of nginx' servers and the php-fpm pool that it hands over to."""
import re

from site_import.site import FOR_ALL, NoSite, Site

OWN = "needs an nginx and php-fpm of its own: docs/workers/nginx-php-fpm.md"

SILENT = {"error_log", "listen", "server_tokens"}  # dmpm has it without being told
# In the location that hands over to php-fpm: what the preset does by itself.
IN_PHP = {"include", "fastcgi_index", "fastcgi_split_path_info", "fastcgi_pass", "try_files"}
PHP_PARAMETERS = {"SCRIPT_FILENAME", "HTTPS"}
# How a pool starts and ends its processes, and who may connect to it, is lighttpd's business now.
POOL_SILENT = re.compile(r"listen(\..*)?|user|group|pm|pm\.(start_servers|(min|max)_spare_servers|"
                         r"process_idle_timeout|max_requests)|catch_workers_output|decorate_workers_output")


def read(path, pool):
    servers = []
    others = []
    for place, words, block in _block(path, _words(path)):
        (servers if words == ["server"] else others).append((place, words, block))
    servers = [block for _, _, block in servers if not _is_redirect(block)]
    chosen = [block for block in servers if any(words[0] == "ssl_certificate" for _, words, _ in block)]
    chosen = chosen or servers
    if len(chosen) != 1:
        raise NoSite(f"{path} has {len(chosen)} servers that could be meant; it must have one")
    site = Site("static")
    socket = None
    for place, words, block in chosen[0]:
        if block is None:
            _directive(site, place, words[0], words[1:])
        else:
            socket = _location(site, place, words, block) or socket
    for place, words, _ in others:
        site.leave_out(place, " ".join(words), OWN)
    if pool is not None:
        _pool(site, pool, socket)
    elif socket is not None:
        site.leave_out(path, f"the pool of {socket}", "name its file, too")
    return site


def _words(path):
    """(line, word): a word may be quoted; {, } and ; are words."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for found in re.finditer(r"""#.*|"[^"]*"|'[^']*'|[;{}]|(?:[^\s;{}"']|\$\{\w+\})+""", line):
                if not found[0].startswith("#"):
                    yield number, found[0]


def _block(path, words):
    """[(place, words, block or None), ...] of the directives up to this block's end."""
    directives, current = [], []
    for number, word in words:
        if word in (";", "{"):
            place = f"{path}:{number}"
            directives.append((place, current, _block(path, words) if word == "{" else None))
            current = []
        elif word == "}":
            break
        else:
            current.append(word.strip("\"'"))
    return directives


def _is_redirect(block):
    """To https and nothing else: dmpm's redirect_to_https."""
    names = {words[0] for _, words, _ in block}
    return names <= {"listen", "server_name", "return", "access_log", "error_log"} and any(
        words[0] == "return" and words[-1].startswith("https://") for _, words, _ in block)


def _directive(site, place, name, values):
    what = " ".join([name, *values])
    if name == "server_name":
        for value in values:
            for one in (value[1:], "*" + value) if value.startswith(".") else (value,):
                site.add_name(place, one)
    elif name == "root":
        site.worker["document_root"] = values[0].rstrip("/")
    elif name == "index":
        site.worker["index"] = values
    elif name == "ssl_certificate":
        site.certificates.append(values[0])
    elif name == "ssl_certificate_key":
        site.keys.append(values[0])
    elif name == "access_log" and values[0] == "off":
        site.access_log = False
    elif name == "access_log":
        site.set_access_log(place, values[0], values[1] if len(values) > 1 else "combined")
    elif name == "listen" and "default_server" in values:
        site.leave_out(place, what, "whose name is no site's is answered 421, or 404 without TLS")
    elif name.startswith(("ssl_", "client_", "keepalive_", "http2_")):
        site.leave_out(place, what, FOR_ALL)
    elif name not in SILENT:
        site.leave_out(place, what, OWN)


def _location(site, place, words, block):
    """The socket that it hands PHP over to, if it does."""
    inner = {directive[0]: directive[1:] for _, directive, _ in block}
    if "fastcgi_pass" in inner and words[:2] == ["location", "~"] and r"\.php" in words[-1]:
        for inner_place, directive, _ in block:
            known = directive[0] == "fastcgi_param" and directive[1] in PHP_PARAMETERS
            if not known and directive[0] not in IN_PHP:
                site.leave_out(inner_place, " ".join(directive), OWN)
        site.worker["preset"] = "php"
        return inner["fastcgi_pass"][0].removeprefix("unix:")
    if words == ["location", "/"] and list(inner) == ["try_files"] and len(block) == 1:
        last = inner["try_files"][-1]
        if front := re.fullmatch(r"(/[^?$]*\.php)(\?.*|\$is_args\$args)?", last):
            site.worker["front_controller"] = front[1]
            return None
        if last == "=404":
            return None
    if inner == {"deny": ["all"]} and words[-1].startswith((r"/\.", "/.")):
        return None  # hidden files: the presets serve none
    site.leave_out(place, " ".join(words), OWN)
    return None


def _pool(site, path, socket):
    settings = list(_settings(path))
    known = {name: value for _, name, value in settings}
    if socket is not None and known.get("listen") != socket:
        raise NoSite(f"{path} listens on {known.get('listen')}, not on {socket}")
    site.permissions = {name: known[name] for name in ("user", "group") if name in known}
    for place, name, value in settings:
        kind, _, variable = name.rstrip("]").partition("[")
        if kind in ("php_value", "php_admin_value", "php_flag", "php_admin_flag"):
            site.set_php(place, variable, value)
        elif kind == "env" and "$" not in value:
            site.worker.setdefault("environment", {})[variable] = value
        elif name == "pm.max_children":
            site.worker["processes"] = min(int(value), 256)
        elif name == "rlimit_files":
            site.permissions["resource_limits"] = {"open_files": int(value)}
        elif not POOL_SILENT.fullmatch(name):
            site.leave_out(place, f"{name} = {value}", OWN)


def _settings(path):
    """(place, name, value) of a file with one pool."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if found := re.fullmatch(r"\s*([a-z][^=\s]*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^;]*?)\s*(;.*)?\n?", line):
                yield f"{path}:{number}", found[1], found[2].strip("\"'")

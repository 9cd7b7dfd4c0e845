"""One of Apache's virtual hosts, with mpm-itk's AssignUserID or suexec's SuexecUserGroup."""
import re

from site_import.site import FOR_ALL, NoSite, Site

OWN = "needs an Apache configuration of its own: docs/workers/apache-own.md"
HTACCESS = "move it to .htaccess (where patterns of rewrite rules lose their first slash)"
LIMITS = "resource_limits, or the permission module cgroup: docs/permission-modules.md"

SILENT = {"sslengine", "errorlog", "serveradmin", "listen"}  # dmpm has it without being told
IN_HTACCESS = {
    "redirect", "redirectmatch", "redirectpermanent", "rewriteengine", "rewritebase", "rewritecond",
    "rewriterule", "header", "requestheader", "errordocument", "expiresactive", "expiresbytype",
    "expiresdefault", "addtype", "adddefaultcharset", "addcharset", "addencoding", "addoutputfilterbytype",
    "setenv", "setenvif", "authtype", "authname", "authuserfile", "authgroupfile", "require"}
IN_REDIRECT = {"servername", "serveralias", "serveradmin", "documentroot", "redirect", "redirectpermanent",
               "errorlog", "customlog"}


def read(path):
    outside, hosts = _split(path)
    hosts = [host for host in hosts if not _is_redirect(host)]
    chosen = [host for host in hosts if ["sslengine", "on"] in _lower(host)] or hosts
    if len(chosen) != 1:
        raise NoSite(f"{path} has {len(chosen)} virtual hosts that could be meant; it must have one")
    site = Site("apache")
    lines = chosen[0] + outside
    for _, words in lines:  # first, since sections are understood by it
        if words[0] == "documentroot":
            site.worker["document_root"] = words[1].rstrip("/")
    sections = []
    for place, words in lines:
        if words[0].startswith("</"):
            sections.pop()
        elif words[0] == "<ifmodule" and not words[1].startswith("!"):
            sections.append(None)  # as if its lines stood alone
        elif words[0].startswith("<"):
            sections.append(" ".join(words)[1:])
            _begin_section(site, place, sections[-1])
        elif named := [section for section in sections if section is not None]:
            _in_section(site, place, named, words)
        else:
            _directive(site, place, words[0], words[1:])
    return site


def _split(path):
    """The lines outside of any <VirtualHost>, and those of each."""
    outside, hosts, lines = [], [], None
    for place, words in _lines(path):
        if words[0] == "<virtualhost":
            hosts.append(lines := [])
        elif words[0] == "</virtualhost":
            lines = None
        else:
            (outside if lines is None else lines).append((place, words))
    return outside, hosts


def _lines(path):
    """(place, words) of each line; one that is continued is one. The first word is in small letters."""
    begun, text = 0, ""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            begun = begun or number
            text += line.rstrip("\n")
            if text.endswith("\\"):
                text = text[:-1] + " "
                continue
            text = text.strip()
            if text and not text.startswith("#"):
                found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text.removesuffix(">") if text[0] == "<" else text)
                words = [quoted or plain for quoted, plain in found]
                yield f"{path}:{begun}", [words[0].lower(), *words[1:]]
            begun, text = 0, ""


def _lower(host):
    return [[word.lower() for word in words] for _, words in host]


def _is_redirect(host):
    """To https and nothing else: dmpm's redirect_to_https."""
    names = {words[0] for _, words in host}
    return names <= IN_REDIRECT and any(words[0].startswith("redirect") and words[-1].startswith("https://")
                                        for _, words in host)


def _is_root(site, section):
    return section.rstrip("/") == f"directory {site.worker.get('document_root')}"


def _begin_section(site, place, section):
    if not _is_root(site, section):
        site.leave_out(place, f"<{section}>", OWN)


def _in_section(site, place, sections, words):
    """Of sections, the document root's is understood, since the preset has one itself."""
    if len(sections) > 1 or not _is_root(site, sections[0]):
        return  # the section has been left out
    what = " ".join(words)
    if words[0] == "allowoverride":
        if words[1].lower() != "all":
            site.leave_out(place, what, f"the preset allows all in .htaccess; else it {OWN}")
    elif words[0] == "options":
        for word in words[1:]:
            if word.lstrip("+").lower() not in ("followsymlinks", "symlinksifownermatch") and word[0] != "-":
                site.leave_out(place, f"options {word}", HTACCESS)
    elif [word.lower() for word in words] != ["require", "all", "granted"]:
        site.leave_out(place, what, HTACCESS)


def _directive(site, place, name, values):
    what = " ".join([name, *values])
    if name == "servername":
        site.add_name(place, re.sub(r"^\w+://|:\d+$", "", values[0]), first=True)
    elif name == "serveralias":
        for value in values:
            site.add_name(place, value)
    elif name in ("assignuserid", "suexecusergroup"):
        site.permissions = {"user": values[0], "group": values[1]}
    elif name == "documentroot":
        pass
    elif name == "directoryindex":
        site.worker["index"] = values
    elif name == "sslcertificatefile":
        site.certificates.append(values[0])
    elif name == "sslcertificatekeyfile":
        site.keys.append(values[0])
    elif name == "sslcertificatechainfile":
        site.leave_out(place, what, "append it to the certificate's file")
    elif name in SILENT:
        pass
    elif name.startswith("ssl"):
        site.leave_out(place, what, FOR_ALL)
    elif name == "customlog" and not values[0].startswith("|"):
        site.set_access_log(place, values[0], values[1] if len(values) > 1 else "common")
    elif name in ("php_value", "php_admin_value", "php_flag", "php_admin_flag"):
        site.set_php(place, values[0], " ".join(values[1:]))
    elif name == "maxclientsvhost":
        site.scale["connections_per_worker"] = int(values[0])
    elif name in ("nicevalue", "rlimitcpu", "rlimitmem", "rlimitnproc"):
        site.leave_out(place, what, LIMITS)
    else:
        site.leave_out(place, what, HTACCESS if name in IN_HTACCESS else OWN)

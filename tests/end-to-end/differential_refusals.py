"""What a server does not accept of differential_cases.py, or shows otherwise, and by which rule of its own.

No other difference is allowed. Each of these must happen: one that does not any more is to be taken out. Seen
with Debian 12's nginx 1.22.1, Apache 2.4.71 and lighttpd 1.4.69, and with Node 18.20 and 20.20.
"""


class Rule:
    """`status`: what the server answers by itself; None: it accepts, and shows `differences`."""

    def __init__(self, server, status, why, cases, differences=()):
        self.server, self.status, self.why, self.cases = server, status, why, cases
        self.differences = list(differences)

    def __str__(self):
        return f"{self.server} {self.status or self.differences}: {self.why}"


ODD_METHOD = "method !#$%&'*+-.^_`|~9z"
UNKNOWN_METHODS = ["method BREW", "method get", "method A", ODD_METHOD, "body of a BREW", "chunked BREW"]
OPTIONS_OF_ALL = ["OPTIONS *", "OPTIONS * with a body", "absolute OPTIONS http://a.test"]
BAD_ESCAPES = ["target /%zz", "target /%", "target /%2", "target /%u0041"]
ABOVE_THE_ROOT = ["target /..", "target /../x", "target /a/../../x", "target /%2e%2e/x"]

RULES = [
    Rule("nginx", 400, "a method has no letters but capital ones, '-' and '_'", ["method get", ODD_METHOD]),
    Rule("nginx", 400, "a target begins with '/' or a scheme: there is no OPTIONS *", OPTIONS_OF_ALL),
    Rule("nginx", 400, "no path has a NUL", ["target /%00"]),
    Rule("nginx", 400, "a path's '%' has two hexadecimal digits behind it", BAD_ESCAPES),
    Rule("nginx", 400, "no path leads above the root", ABOVE_THE_ROOT),
    Rule("nginx", 400, "takes these but once, though If-None-Match is a list (duplicate header line)",
         ["two of Authorization", "two of If-Modified-Since", "two of If-None-Match"]),

    Rule("apache", 200, "answers OPTIONS * itself: it asks for what the server can do", OPTIONS_OF_ALL),
    Rule("apache", 404, "no file has a NUL in its path", ["target /%00"]),
    Rule("apache", 400, "a path's '%' has two hexadecimal digits behind it (AH10244)", BAD_ESCAPES),
    # '//' is a segment to nginx (merge_slashes off), so that the '..' behind it leads to the root only.
    Rule("apache", 400, "no path leads above the root (AH10244)", [*ABOVE_THE_ROOT, "target //../x"]),
    Rule("apache", 400, "HttpProtocolOptions Strict: a colon in Host has a port behind it (AH02415)",
         ["host a.test:"]),
    Rule("apache", 400, "mod_proxy reads Max-Forwards, joined, as a number", ["two of Max-Forwards"]),

    Rule("lighttpd", 501, "knows a list of methods",
         [*UNKNOWN_METHODS, "method M-SEARCH", "method PURGE"]),
    Rule("lighttpd", 200, "answers OPTIONS * itself: it asks for what the server can do", OPTIONS_OF_ALL),
    Rule("lighttpd", 400, "server.http-parseopts, url-ctrls-reject: no encoded control characters",
         ["target /%00", "target /%7f", "target /%0d%0aX:%20y", "target /?a=%00",
          "target /?a=%0d%0aX:%20y"]),
    Rule("lighttpd", 400, "server.http-parseopts, url-invalid-utf8-reject: no bytes that UTF-8 never has",
         ["target /%ff", "target /%c0%af", "target /?a=%ff"]),
    Rule("lighttpd", 400, "takes these but once", ["two of Content-Type", "two of If-Modified-Since"]),
    Rule("lighttpd", None, "keeps the first", ["two of If-None-Match"],
         ["""IF_NONE_MATCH: '"a", "b"' became '"a"'"""]),
    Rule("lighttpd", None, "server.http-parseopts, host-normalize: drops the port that http has anyway",
         ["absolute with a port"], ["host: 'a.test:80' became 'a.test'"]),
    Rule("lighttpd", None, "an empty element of a list is none (RFC 9110 5.6.1)",
         ["repeated, empty between"], ["X_REPEATED: '1, , 3' became '1, 3'"]),

    Rule("node", 400, "knows a list of methods (http.METHODS)", UNKNOWN_METHODS),
]


def rule_of(server, case):
    """The one for this pair; None when the server must understand the case as all do."""
    return next((rule for rule in RULES if rule.server == server and case in rule.cases), None)

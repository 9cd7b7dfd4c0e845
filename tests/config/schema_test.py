#!/usr/bin/python3
"""config/schema.json and config/example.json against the loader, which decides what a configuration is.

The loader says which keys an object may have ('unknown key ...; expected are ...'), so the schema's must be
the same. Then each value of the example is exchanged for others, keys are taken away and added, and the
loader's verdict on what comes of it must be the schema's. A new key goes into the schema and the example;
nothing here knows keys by name, but for what a schema cannot say (CANNOT_SAY).
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema

CONFIG = pathlib.Path(__file__).resolve().parent.parent.parent / "config"
SCHEMA = json.loads((CONFIG / "schema.json").read_text(encoding="ascii"))
VERDICTS = sys.argv.pop(1) if len(sys.argv) > 1 and "/" in sys.argv[1] else None
UNKNOWN = "zzzzzzzzzzzzzzzzzzzzzzzz"
# Users of every Debian machine in place of those of the example.
USERS = {"dmpm": "daemon", "dmpm-keys": "bin", "dmpm-log": "sys", "dmpm-metrics": "lp"}
CUSTOMER = "games"
OTHERS = (None, True, False, 0, 1, -1, 1.5, 10**30, "", "x", "1", "1s", "64K", "/x", "/", "unlimited", "a b",
          "$x", "../x", [], ["x"], ["/x"], [1], {}, {"x": 1}, {"x": "x"}, {"x": {}})
# For objects whose keys are names.
NAMES = ("", "1", "x", "a.b", "a b", "A_1", "-x", ".x", "/", "/x", "NGINX", "LISTEN_FDS", "x" * 65)
# Problems that no schema of a file can find: they are about other files, users, or two values that the
# schema does not see together.
CANNOT_SAY = re.compile("|".join((
    r"there is no (user|group) ", r"cannot be used: ", r"must not be \"\w+\": ", r"needs a user of its own",
    r"cannot be opened: ", r"is not a regular file", r"to be included does not exist",
    r"there is no group \"", r"has a listener already",
    r"\"min_workers\" must not be above", r"but no virtual host in any file has", r"is claimed",
    r"there is no variable", r"must be the name of a system call",
    # A schema bounds numbers, not what a text means.
    r"must be a number of bytes from [\d]+ to \d+ such as .*, not \"\d+[KMGT]?\"$",
)))


def example():
    """The example, with users and files that are there."""
    text = (CONFIG / "example.json").read_text(encoding="ascii")
    text = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda match: match[1] or "", text)
    return json.loads(text)


def localised(value, directory):
    if isinstance(value, dict):
        value = {key: localised(member, directory) for key, member in value.items()}
        if isinstance(value.get("user"), str):
            for key in ("user", "group"):
                if isinstance(value.get(key), str):
                    value[key] = USERS.get(value[key], CUSTOMER)
            if "supplementary_groups" in value:
                value["supplementary_groups"] = [CUSTOMER]
        return value
    if isinstance(value, list):
        return [localised(element, directory) for element in value]
    if isinstance(value, str) and value.startswith("/etc/dmpm/"):
        path = f"{directory}/{value.removeprefix('/etc/dmpm/').replace('/', '-')}"
        if "*" not in path:
            pathlib.Path(path).write_text("not parsed here", encoding="ascii")
            pathlib.Path(path).chmod(0o600)
        return path
    return value


class Loader:
    def __init__(self, directory):
        self.files = [f"{directory}/{name}.json" for name in ("one", "two")]
        self.process = subprocess.Popen([VERDICTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()

    def ask(self, *documents):
        files = self.files[:len(documents)]
        for file, document in zip(files, documents):
            with open(file, "w", encoding="ascii") as out:
                json.dump(document, out)
        self.process.stdin.write("\t".join(files) + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != ".\n":
            if not line:
                raise AssertionError(f"the loader ended: {documents}")
            lines.append(line.rstrip("\n").removeprefix(f"{self.files[0]}:"))
        return lines

    def problems(self, document):
        return self.ask(document)

    def same(self, one, two):
        return self.ask(one, two) == ["same"]


# ---- the schema as a tree ----


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        target = SCHEMA
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def alternatives(node):
    """The schemas that a value may be meant for."""
    found = [node, resolve(node)] if "$ref" in node else [node]
    for one in list(found):
        for choice in (*one.get("anyOf", ()), *one.get("allOf", ())):
            if not {"if", "then"} & set(choice):
                found += alternatives(choice)
    return found


def closed_object(node):
    """The alternative that lists its keys, if there is one."""
    return next((one for one in alternatives(node) if one.get("additionalProperties") is False), None)


def member_schema(node, key):
    for one in alternatives(node):
        if "properties" in one and one["properties"].get(key) not in (None, False):
            return one["properties"][key]
        if isinstance(one.get("additionalProperties"), dict) and key not in one.get("properties", {}):
            return one["additionalProperties"]
    return {}


def element_schema(node, index):
    for one in alternatives(node):
        if index < len(one.get("prefixItems", ())):
            return one["prefixItems"][index]
        if "items" in one:
            return one["items"]
    return {}


def places(value, node, path=()):
    """(path, value, its schema) of everything in a document."""
    yield path, value, node
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, member_schema(node, key), (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from places(element, element_schema(node, index), (*path, index))


def changed(document, path, change):
    """A copy in which change(container, key) was done to what is at the path."""
    document = copy.deepcopy(document)
    if not path:
        holder = [document]
        change(holder, 0)
        return holder[0]
    container = document
    for part in path[:-1]:
        container = container[part]
    change(container, path[-1])
    return document


def replaced(document, path, value):
    def change(container, key):
        container[key] = value
    return changed(document, path, change)


def without(document, path):
    def change(container, key):
        del container[key]
    return changed(document, path, change)


def bounds(node):
    """Values next to what the schema says of one."""
    found = []
    for one in alternatives(node):
        for key in ("minimum", "maximum"):
            if isinstance(one.get(key), int):
                found += [one[key] - 1, one[key], one[key] + 1]
        words = [*one.get("enum", ()), *([one["const"]] if "const" in one else [])]
        found += words + [f"{word}x" for word in words if isinstance(word, str)]
    return found


def said(path):
    return "/".join(str(part) for part in path) or "the file"


class Schema(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        cls.validator = jsonschema.Draft202012Validator(SCHEMA)
        cls.temporary = tempfile.TemporaryDirectory(prefix="dmpm-schema.")
        cls.directory = cls.temporary.name
        pathlib.Path(cls.directory).chmod(0o755)
        cls.example = localised(example(), cls.directory)
        modules = pathlib.Path(VERDICTS).resolve().parent / "permission-modules"
        cls.example["permission_module_directory"] = str(modules)
        cls.loader = Loader(cls.directory)

    @classmethod
    def tearDownClass(cls):
        status = cls.loader.close()
        cls.temporary.cleanup()
        assert status == 0, f"the loader ended with {status}"

    def fail_with(self, complaints):
        if complaints:
            self.fail(f"{len(complaints)} disagreements\n" + "\n".join(complaints[:40]))

    def around(self, path):
        """The example with no more groups than the path needs: others only cost time."""
        group = path[1] if path[:1] == ("groups",) and len(path) > 1 else "static"
        document = dict(self.example, groups={group: self.example["groups"][group]})
        document["virtual_hosts"] = [dict(host, group=group) for host in document["virtual_hosts"]]
        return document

    def test_the_example_is_right(self):
        self.assertEqual(self.loader.problems(self.example), [])
        errors = [f"{error.json_path}: {error.message}" for error in
                  self.validator.iter_errors(self.example)]
        self.assertEqual(errors, [])

    def test_the_example_has_every_key_of_the_schema(self):
        missing = {}
        for path, value, node in places(self.example, SCHEMA):
            known = closed_object(node)
            if known and isinstance(value, dict):
                wanted = missing.setdefault(id(known), (path, set(known["properties"])))[1]
                wanted -= set(value)
        self.fail_with([f"config/schema.json has {sorted(keys)} in {said(path)}, config/example.json has not"
                        for path, keys in missing.values() if keys])

    def keys_of_the_loader(self, path):
        (problem,) = (line for line in
                      self.loader.problems(replaced(self.around(path), (*path, UNKNOWN), 0))
                      if UNKNOWN in line)
        return set(re.findall(r'"(\w+)"', problem.partition("expected are")[2]))

    def test_the_loader_has_the_same_keys(self):
        objects = {}  # groups differ in what their kind of worker knows: all together know all
        for path, value, node in places(self.example, SCHEMA):
            known = closed_object(node)
            if known and isinstance(value, dict):
                entry = objects.setdefault(id(known), (path, set(known["properties"]), set()))
                entry[2].update(self.keys_of_the_loader(path))
        self.assertGreater(len(objects), 15)
        complaints = []
        for path, schema, loader in objects.values():
            complaints += [f"the loader knows {key!r} in {said(path)}: add it to config/schema.json and "
                           "config/example.json" for key in sorted(loader - schema)]
            complaints += [f"config/schema.json has {key!r} in {said(path)}, which the loader does not know"
                           for key in sorted(schema - loader)]
        self.fail_with(complaints)

    def test_a_site_file_has_the_same_keys(self):
        site = pathlib.Path(self.directory) / "site"
        site.write_text(json.dumps({UNKNOWN: 0}), encoding="ascii")
        document = dict(self.around(()), include=[str(site)])
        (problem,) = self.loader.problems(document)
        self.assertEqual(set(re.findall(r'"(\w+)"', problem.partition("expected are")[2])),
                         set(SCHEMA["$defs"]["site_file"]["properties"]))

    def mutations(self):
        """(what was done, the document) for everything in the example."""
        samples = {}
        everything = list(places(self.example, SCHEMA))
        for _, value, node in everything:
            known = closed_object(node)
            if known and isinstance(value, dict):
                samples.setdefault(id(known), {}).update(value)
        for path, value, node in everything:
            base = self.around(path)
            known = closed_object(node)
            if path and path != ("permission_module_directory",):
                for other in (*OTHERS, *bounds(node)):
                    yield f"{said(path)} = {other!r}", replaced(base, path, other)
                yield f"{said(path)} left out", without(base, path)
            if not known and isinstance(value, dict) and value:
                sample = next(iter(value.values()))
                for key in NAMES:
                    yield f"{key!r} in {said(path)}", replaced(base, (*path, key), sample)
            if known and isinstance(value, dict):
                for key in (UNKNOWN, *known["properties"]):
                    if key not in value:
                        yield (f"{key} in {said(path)}",
                               replaced(base, (*path, key), samples[id(known)].get(key, "x")))

    def test_the_verdicts_are_the_same(self):
        complaints, count = [], 0
        for what, document in self.mutations():
            problems = self.loader.problems(document)
            error = next(self.validator.iter_errors(document), None)
            count += 1
            real = [problem for problem in problems if not CANNOT_SAY.search(problem)]
            if real and not error:
                complaints.append(f"{what}: the schema takes it; the loader: {real[0]}")
            elif error and not problems:
                complaints.append(f"{what}: the loader takes it; the schema: {error.json_path}: "
                                  f"{error.message[:200]}")
        print(f"{count} configurations", file=sys.stderr)
        self.assertGreater(count, 3000)
        self.fail_with(complaints)

    def test_the_defaults_are_the_same(self):
        complaints, count = [], 0
        for path, _, node in list(places(self.example, SCHEMA)):
            default = node.get("default", UNKNOWN)
            if default == UNKNOWN:
                continue
            given = replaced(self.around(path), path, default)
            if not self.validator.is_valid(given):
                continue  # a key beside it wants another value
            count += 1
            left_out = without(self.around(path), path)
            # A user that is not there is missed in both, with its name.
            if not self.loader.same(given, left_out) and self.missed(given) != self.missed(left_out):
                complaints.append(f"{said(path)}: the default is not {default!r}")
        self.assertGreater(count, 50)
        self.fail_with(complaints)

    def missed(self, document):
        found = [re.match(r'.*there is no (?:user|group) "[\w-]+"', line)
                 for line in self.loader.problems(document)]
        return {match[0].partition(" ")[2] for match in found if match} or id(document)


if __name__ == "__main__":
    if VERDICTS is None:
        sys.exit("usage: schema_test.py PATH/TO/config-verdicts [unittest's options]")
    unittest.main(verbosity=2)

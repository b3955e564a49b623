#!/usr/bin/python3
"""Holds docs/openapi.yaml and the broker to each other: every route, role and query name is in both, and every answer that the
component tests get from a real broker is one that the description allows. Usage: openapi.py SOURCE_DIR TESTS_DIR"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

import jsonschema
import yaml

SOURCE = pathlib.Path(sys.argv[1])
TESTS = pathlib.Path(sys.argv[2])
PAGE = re.search(r'#define ORL_API_PAGE_QUERY "([^"]+)"', (SOURCE / "broker/api_page.h").read_text())[1]
WORD = re.compile(r"[A-Z]{2,}")
# Which component tests talk to a broker for this, by the name behind test_broker_.
ASKERS = ("api", "console", "roles", "site", "plan", "message", "portal_desktops", "portal_factor", "token", "watching")


def server_routes():
    """{(method, path as the description writes it): (role, query names)} from the table that the broker is built of."""
    table = (SOURCE / "broker/api_routes.c").read_text().split("orl_api_routes[]")[1]
    routes = {}
    for method, path, role, query in re.findall(r'\{(GET|POST|PATCH|DELETE), "([^"]+)", (\w+), \w+,\s*((?:NULL|PAGE|"[^"]*"|\s)+)\}', table):
        names = " ".join(PAGE if part == "PAGE" else part.strip('"') for part in re.findall(r'PAGE|"[^"]*"', query))
        routes[method, WORD.sub(lambda word: "{" + word[0].lower() + "}", path)] = (role.lower(), set(names.split()))
    assert len(routes) == len(re.findall(r"\{(?:GET|POST|PATCH|DELETE),", table)), "a row of the table was not read"
    return routes


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.doc = yaml.safe_load((SOURCE / "docs/openapi.yaml").read_text())
        cls.routes = server_routes()
        cls.operations = {(method.upper(), path): op for path, item in cls.doc["paths"].items() for method, op in item.items()}

    def validate(self, schema, value, what):
        whole = {**schema, "components": self.doc["components"]}
        faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in jsonschema.Draft202012Validator(whole).iter_errors(value)]
        self.assertEqual(faults, [], what)

    def operation_of(self, method, target):
        path = urllib.parse.urlsplit(target).path
        for (known, pattern), op in self.operations.items():
            if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
                return pattern, op
        return None, None

    def test_every_route_is_described_and_nothing_else(self):
        self.assertEqual(set(self.operations), set(self.routes))

    def test_roles_queries_and_path_words_are_the_servers(self):
        for key, op in self.operations.items():
            role, names = self.routes[key]
            parameters = op.get("parameters", [])
            self.assertEqual(op["x-oriel-role"], role, key)
            self.assertEqual({p["name"] for p in parameters if p["in"] == "query"}, names, key)
            self.assertEqual({p["name"] for p in parameters if p["in"] == "path"}, set(re.findall(r"\{(\w+)\}", key[1])), key)
        ids = [op["operationId"] for op in self.operations.values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_reference_leads_somewhere(self):
        text = json.dumps(self.doc)
        for section, name in re.findall(r'"#/components/(\w+)/(\w+)"', text):
            self.assertIn(name, self.doc["components"][section])
        for name, schema in self.doc["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertIn(f"#/components/schemas/{name}\"", text, "nobody uses it")

    def test_every_answer_is_as_described(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder) / "trace"
            for name in ASKERS:
                program = TESTS / f"test_broker_{name}"
                done = subprocess.run([program], env={**os.environ, "ORIEL_API_TRACE": str(trace)}, capture_output=True, text=True, timeout=120,
                                      check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            rows = [json.loads(line) for line in trace.read_text().splitlines()]
        answered = set()
        for row in rows:
            pattern, op = self.operation_of(row["method"], row["path"])
            what = f"{row['method']} {row['path']}: {row['status']} {json.dumps(row['body'])[:600]}"
            if row["status"] >= 400:
                self.validate({"$ref": "#/components/schemas/Problem"}, row["body"], what)
                continue
            self.assertIsNotNone(op, what)
            self.assertIn(str(row["status"]), op["responses"], what)
            schema = op["responses"][str(row["status"])].get("content", {}).get("application/json", {}).get("schema")
            if schema is not None:
                self.validate(schema, row["body"], what)
            answered.add((row["method"], pattern))
        unseen = {key for key in self.operations if key not in answered}
        # Those whose answer needs a guest or a browser that stays: tests/e2e and tests/browser have them.
        self.assertLessEqual(len(unseen), len(self.operations) // 3, unseen)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])

"""Calls every operation of the description by the generated client, and holds the answers to it."""
import itertools
import re

import openapi_client as generated
from openapi_world import PASSWORDS, ROLES

MANY, WITH_BODIES = 100, 8
# What a field of that name is called in the list of what there is.
KEYS = ("name", "id", "code", "version")
NOBODY = "no-such-thing"


def list_in(body):
    """The one list of an answer, of objects or of names."""
    lists = [part for part in body.values() if isinstance(part, list) and part] if isinstance(body, dict) else []
    return lists[0] if lists else []


class Caller:
    def __init__(self, test, world):
        self.test, self.world, self.doc = test, world, test.doc
        self.role = None
        self.client = generated.make_client(self.doc, self.send)
        self.numbers = itertools.count(1)
        self.faults = []
        self.is_oldest = False  # which of those that are there is taken for a field

    def expect(self, holds, said):
        """All that does not hold is told at once, at the end."""
        if not holds:
            self.faults.append(said[:700])

    def send(self, method, target, body):
        answer = self.world.ask(method, target, body, self.role)
        if answer.status == 401 and self.role not in (None, "web"):  # it ended its own login: a new one
            self.world.log_in(self.role)
            answer = self.world.ask(method, target, body, self.role)
        self.expect(answer.status < 500 or answer.status == 503, f"{method} {target} {str(body)[:300]}: {answer.body}")
        if "json" in answer.headers.get_content_type():
            try:
                self.test.see(method, target, answer.status, answer.body)
            except AssertionError as fault:
                self.expect(False, str(fault)[-600:])
        elif answer.status < 400:
            pattern, _ = self.test.operation_of(method, target)
            self.test.seen.setdefault((method, pattern), set()).add(answer.status)
        return answer

    def play(self, op):
        """As whom it is called: by uid, but what only people do."""
        self.role = {"web": "web", "user": "user"}.get(op["x-oriel-role"])

    def do(self, op, values, body=None, query=None):
        self.play(op)
        names = [p["name"] for p in op.get("parameters", []) if p["in"] == "path"]
        return getattr(self.client, op["operationId"])(*(values.get(name, NOBODY) for name in names), query=query, body=body)

    # ---- what there is ----

    def known(self, name):
        """A value for a field of this name: something new, something that is there, or nothing that we know."""
        if name in ("password", "old"):
            return self.world.passwords.get(self.role, PASSWORDS[0])
        if name == "new":
            return PASSWORDS[self.world.passwords.get(self.role) == PASSWORDS[0]]
        if name in self.world.pair:
            return self.world.pair[name]
        if name == "name":
            return f"x{next(self.numbers)}"
        if name == "user" and self.role == "web":
            return "a-user"
        plural = f"/v1/{name}s"
        if plural not in self.doc["paths"] or name == "reason":
            return None
        names = [row["name"] for row in self.rows_at(plural, {}) if "name" in row]
        return (names[0] if self.is_oldest or name == "template" else names[-1]) if names else None

    def rows_at(self, path, values):
        op = self.doc["paths"].get(path, {}).get("get")
        if op is None:
            return []
        return list_in(self.do(op, values).body)

    def places(self, path, op):
        """Values for the path's words, of what is in the lists above it: the newest names first."""
        words = re.findall(r"\{(\w+)\}", path)
        found = [{}]
        for i, word in enumerate(words):
            at = path[:path.index("{" + word + "}") - 1]
            whole, last = at.rsplit("/", 1)
            at = next((p["x-oriel-list"] for p in op["parameters"] if p["name"] == word and "x-oriel-list" in p), at)
            choices = next(p["schema"].get("enum") for p in op["parameters"] if p["name"] == word)
            if choices:
                found = [{**values, word: choice} for values in found for choice in choices]
                continue
            longer = []
            for values in found[:MANY]:
                if at.endswith("}"):  # the other word of the same rows
                    rows = [row for row in self.rows_at(re.sub(r"/\{\w+\}$", "", at), values) if row.get(words[i - 1]) == values[words[i - 1]]]
                elif "get" in self.doc["paths"].get(at, {}):
                    rows = self.rows_at(at, values)
                else:
                    rows = (self.do(self.doc["paths"][whole]["get"], values).body or {}).get(last, [])
                for row in reversed(rows):
                    value = row if not isinstance(row, dict) else next((row[key] for key in (word, *KEYS) if key in row), None)
                    if value is not None:
                        longer.append({**values, word: value})
            found = longer
        return found[:MANY] if words else [{}]

    # ---- the calls ----

    def operations(self, *methods):
        for path, item in self.doc["paths"].items():
            for method, op in item.items():
                if method in methods:
                    yield path, op

    def works(self, path, op):
        """Each good body at each place, until each body was taken somewhere."""
        self.play(op)
        places = self.places(path, op)
        for self.is_oldest in (False, True) if generated.body_schema(self.doc, op) else (False,):
            for body in generated.good_bodies(self.doc, op, self.known):
                for values in places if body is None else places[:WITH_BODIES]:
                    if self.do(op, values, body).status < 400:
                        break

    def call_all(self):
        for _ in range(2):  # what the first round made, the second one uses
            for path, op in self.operations("post", "get", "patch"):
                if op["operationId"] != "postApply":
                    self.works(path, op)
        plan = self.world.ask("POST", "/v1/plan", {"objects": {}}).body["plan"]
        self.do(self.doc["paths"]["/v1/apply"]["post"], {}, {"objects": {}, "plan": plan})

    def remove_all(self):
        self.world.make_token()  # a new password, and codes that were wrong, took the others
        for path, op in sorted(self.operations("delete"), key=lambda one: -one[0].count("/")):
            self.works(path, op)

    def refuse_all(self):
        """Nothing that is wrong is taken, or takes the broker to its end; what is wrong is named."""
        for path, op in self.operations("post", "patch", "delete"):
            places = self.places(path, op) or [{}]
            self.play(op)
            for what, field, body in generated.bad_bodies(self.doc, op, self.known):
                answer = self.do(op, places[0], body)
                said = f"{op['operationId']}: {what}: {answer.status} {answer.body}"
                if what == "the body is ''" and not generated.body_schema(self.doc, op).get("required"):
                    continue
                named = field is None or any(error["field"] == field for error in answer.body.get("errors", []))
                self.expect(answer.status == 400 and named, said)
        for path, op in self.operations("get", "post", "patch", "delete"):
            self.play(op)
            self.do(op, {}, next(generated.good_bodies(self.doc, op, self.known)))
            if op["x-oriel-role"] != "web":
                self.expect(self.do(op, {}, query={"no_such_word": "1"}).status == 400, f"{op['operationId']} takes any query")
            self.queries(op)

    def queries(self, op):
        """Each word that is described is known, whatever else is wrong: 1 is a number, a flag, and the beginning of a name."""
        for name in (p["name"] for p in op.get("parameters", []) if p["in"] == "query"):
            answer = self.do(op, {}, query={name: "1"})
            detail = (answer.body or {}).get("detail", "") if answer.status == 400 else ""
            self.expect(not detail.startswith("query:"), f"{op['operationId']} does not know its query {name}: {detail}")

    def roles(self):
        """Each role at each operation: refused below what the description says, and only there."""
        for path, op in self.operations("get", "post", "patch", "delete"):
            least = ROLES.index(op["x-oriel-role"])
            for number, role in enumerate(ROLES):
                self.role = role
                values = [NOBODY for p in op.get("parameters", []) if p["in"] == "path"]
                answer = getattr(self.client, op["operationId"])(*values, body={"no_such_field": 1})
                said = f"{role} at {op['operationId']}: {answer.status} {answer.body}"
                if number < least:
                    wanted = (401, "not_logged_in") if role == "web" else (403, "not_allowed")
                    self.expect((answer.status, answer.body["code"]) == wanted, said)
                else:
                    self.expect(answer.status != 403 or answer.body["code"] != "not_allowed", said)

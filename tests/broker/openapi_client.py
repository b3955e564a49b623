"""A client of an API, written by its OpenAPI description alone: a method for each operation, and bodies from their schemas, good and bad ones.
Knows nothing of any operation."""
import re
import urllib.parse

TOO_LONG = "x" * 20000  # less than what any body may be


def source_of(doc):
    """The client's source: `Client(send).getUsersName(name="x")`; send(method, target, body) is the transport."""
    lines = ["class Client:", "    def __init__(self, send):", "        self.send = send"]
    for path, item in doc["paths"].items():
        for method, op in item.items():
            names = re.findall(r"\{(\w+)\}", path)
            target = re.sub(r"\{(\w+)\}", r"{quote(str(\1))}", path)
            lines += [f"    def {op['operationId']}(self, {''.join(f'{name}, ' for name in names)}query=None, body=None):",
                      f"        return self.send({method.upper()!r}, f{target!r} + ('?' + urlencode(query) if query else ''), body)"]
    return "\n".join(lines) + "\n"


def make_client(doc, send):
    space = {"quote": lambda text: urllib.parse.quote(text, safe=""), "urlencode": urllib.parse.urlencode}
    exec(compile(source_of(doc), "generated client", "exec"), space)  # the description is ours
    return space["Client"](send)


def resolve(doc, schema):
    while schema and "$ref" in schema:
        schema = doc["components"][schema["$ref"].split("/")[2]][schema["$ref"].split("/")[3]]
    return schema


def body_schema(doc, op):
    return resolve(doc, op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"))


def value_of(doc, name, schema, world):
    """Something that the schema allows; world(name) knows what there is of that name, or None."""
    schema = resolve(doc, schema)
    known = world(name)
    if known is not None:
        return known
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("type") == "object":
        return {key: value_of(doc, key, part, world) for key, part in schema.get("properties", {}).items() if key in schema.get("required", [])}
    return {"string": "x", "integer": max(schema.get("minimum", 1), 1), "boolean": True}[schema["type"]]


def good_bodies(doc, op, world):
    """The least, the least with each other field, and everything."""
    schema = body_schema(doc, op)
    if schema is None:
        yield None
        return
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = [name for name in properties if name not in required]

    def body(names):
        return {name: value_of(doc, name, properties[name], world) for name in names}

    yield body(required)
    for name in others:
        yield body([*required, name])
    if len(others) > 1:
        yield body(properties)


def wrong_values(schema):
    kind = schema.get("type", "string")
    if kind == "string" or "enum" in schema:
        yield from (7, None, ["x"], "a\u0007b")
        if "enum" in schema:
            yield "no-such-choice"
        yield TOO_LONG if "maxLength" not in schema else "x" * (schema["maxLength"] + 1)
    elif kind == "integer":
        yield from ("1", 1.5, -1, 1 << 62)
        yield from ([schema["maximum"] + 1] if "maximum" in schema else [])
        yield from ([schema["minimum"] - 1] if "minimum" in schema else [])
    elif kind == "boolean":
        yield from ("true", None)
    else:
        yield from ("x", 1, None, [1])


def bad_bodies(doc, op, world):
    """(what is wrong, the field that the answer has to name or None, body)"""
    schema = body_schema(doc, op)
    if schema is None:
        return
    properties, required = schema.get("properties", {}), schema.get("required", [])
    good = {name: value_of(doc, name, properties[name], world) for name in required}
    for text in ("", "[]", "7", "{", '{"a":1}x', "null", '{"name":"a","name":"b"}'):
        yield f"the body is {text!r}", None, text
    yield "a field that nobody knows", "no_such_field", {**good, "no_such_field": 1}
    for name in required:
        yield "a field is missing", name, {key: value for key, value in good.items() if key != name}
    for name, part in properties.items():
        for value in wrong_values(resolve(doc, part)):
            yield f"not a value of it: {value!r}"[:60], name, {**good, name: value}

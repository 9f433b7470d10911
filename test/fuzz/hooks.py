"""What schemathesis has to be told to speak with the API. `scripts/fuzz.mjs` names this file to it."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def serialize_ndjson(ctx, value):
    """The document says that the body is text; whatever else is generated is sent as one line of JSON."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")

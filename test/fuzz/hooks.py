"""What schemathesis has to be told to speak with the API. `scripts/fuzz.mjs` names this file to it."""

import json
from urllib.parse import urlencode

import schemathesis

# Longer heads are refused with 431 before there is a route whose document could say so; test/integration/http-edge.spec.ts
# holds that.
LONGEST_QUERY_BYTES = 8_192


@schemathesis.hook
def filter_query(ctx, query):
    """Whether the query fits into a head that HTTP servers read, and leaves the fuzzer the session of its token."""
    if not query:
        return True
    ends_session = query.get("includeCurrent") in (True, "true")
    return not ends_session and len(urlencode(query, doseq=True, errors="surrogatepass")) <= LONGEST_QUERY_BYTES


@schemathesis.serializer("application/x-ndjson")
def serialize_ndjson(ctx, value):
    """The document says that the body is text; whatever else is generated is sent as one line of JSON."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")

extension OpenAPI {
  /// Parameters, headers, problems and credentials.
  static let components = #"""
    {
      "responses": {
        "400": {
          "description": "The request could not be read.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "401": {
          "description": "No valid credential.",
          "headers": {
            "WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "403": {
          "description": "The credential does not suffice.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "404": {
          "description": "Not found.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "405": {
          "description": "The method is not allowed here.",
          "headers": {"Allow": {"$ref": "#/components/headers/Allow"}, "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "406": {
          "description": "No acceptable representation.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "408": {
          "description": "The request did not arrive in time.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "409": {
          "description": "The state does not allow it.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "410": {
          "description": "The mailed token can't be used.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "413": {
          "description": "The body is too large.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "414": {
          "description": "The URI is too long.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "415": {
          "description": "The media type is not supported.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "417": {
          "description": "The expectation can't be met.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "422": {
          "description": "Some fields are not valid.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "429": {
          "description": "A rate limit or an allowance is used up.",
          "headers": {
            "Retry-After": {"$ref": "#/components/headers/Retry-After"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "431": {
          "description": "The header is too large.",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "503": {
          "description": "No answer can be given now; Retry-After says when.",
          "headers": {
            "Retry-After": {"$ref": "#/components/headers/Retry-After"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        }
      },
      "parameters": {
        "IdempotencyKey": {
          "name": "Idempotency-Key",
          "in": "header",
          "required": true,
          "description": "Makes the call safe to repeat for 24 hours.",
          "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"}
        },
        "limit": {
          "name": "limit",
          "in": "query",
          "required": false,
          "description": "Items of a page.",
          "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
        },
        "cursor": {
          "name": "cursor",
          "in": "query",
          "required": false,
          "description": "next_cursor of the page before.",
          "schema": {"type": "string", "minLength": 1, "maxLength": 200}
        },
        "from": {
          "name": "from",
          "in": "query",
          "required": false,
          "description": "The first instant.",
          "schema": {"type": "string", "format": "date-time"}
        },
        "to": {
          "name": "to",
          "in": "query",
          "required": false,
          "description": "The instant after the last.",
          "schema": {"type": "string", "format": "date-time"}
        },
        "ClientIP": {
          "name": "Gatehouse-Client-IP",
          "in": "header",
          "description": "With a key of scope accounts, in Authorization or in Gatehouse-Key: for whom the backend asks. Without one 403.",
          "schema": {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}
        },
        "ClientUserAgent": {
          "name": "Gatehouse-Client-User-Agent",
          "in": "header",
          "schema": {"type": "string"},
          "description": "As Gatehouse-Client-IP."
        }
      },
      "headers": {
        "RateLimit": {
          "description": "draft-ietf-httpapi-ratelimit-headers-11, list form: \"api\";r=59;t=12",
          "schema": {"type": "string"}
        },
        "RateLimit-Policy": {"description": "\"api\";q=60;w=60", "schema": {"type": "string"}},
        "Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer", "minimum": 0}},
        "WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}},
        "Allow": {"description": "The methods of the path.", "schema": {"type": "string"}},
        "X-Request-Id": {"description": "The request's name in logs.", "schema": {"type": "string"}},
        "Location": {"description": "The new thing's path.", "schema": {"type": "string"}},
        "Set-Cookie": {"description": "With transport cookie.", "schema": {"type": "string"}},
        "Idempotency-Replayed": {"description": "true on a replay.", "schema": {"type": "string"}}
      },
      "securitySchemes": {
        "token": {"type": "http", "scheme": "bearer", "description": "A session token gh_…"},
        "key": {"type": "http", "scheme": "bearer", "description": "A service key ghk_…"},
        "backend": {
          "type": "apiKey",
          "in": "header",
          "name": "Gatehouse-Key",
          "description": "A service key of scope accounts, beside a session's credential: the backend calls for its user. Reads then cost the user no unit of api, and Gatehouse-Client-IP is believed where it is taken."
        }
      }
    }
    """#
}

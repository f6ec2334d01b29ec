extension OpenAPI {
  /// The paths of tag `proxy`. `*` stands for every method.
  static let proxyPaths = #"""
    {
      "/v1/auth/{profile}": {
        "*": {
          "operationId": "forwardAuth",
          "tags": ["proxy"],
          "summary": "May this request through",
          "description": "What a proxy asks about each request, with any method and any path below this one. Body, query and conditional headers are ignored. A refusal that has another status elsewhere is 403 here.",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [
            {
              "name": "profile",
              "in": "path",
              "required": true,
              "description": "A profile of the configuration; 503 for another.",
              "schema": {"type": "string", "minLength": 1, "maxLength": 64},
              "example": "api"
            },
            {
              "name": "X-Forwarded-Method",
              "in": "header",
              "description": "The client's method, for the rule against cross-site requests. Without it and Gatehouse-Method: an unsafe one.",
              "schema": {"type": "string"}
            },
            {
              "name": "Gatehouse-Method",
              "in": "header",
              "description": "own: the client's method is that of this call.",
              "schema": {"type": "string"}
            },
            {
              "name": "Gatehouse-Refuse",
              "in": "header",
              "description": "403: the proxy knows no 429. Gatehouse-Status says it all the same.",
              "schema": {"type": "string"}
            }
          ],
          "responses": {
            "200": {
              "description": "Let it through, with these fields, which are all there and possibly empty.",
              "headers": {
                "Gatehouse-User": {"$ref": "#/components/headers/Gatehouse-User"},
                "Gatehouse-External-Id": {"$ref": "#/components/headers/Gatehouse-External-Id"},
                "Gatehouse-Plan": {"$ref": "#/components/headers/Gatehouse-Plan"},
                "Gatehouse-Session": {"$ref": "#/components/headers/Gatehouse-Session"},
                "Gatehouse-Status": {"$ref": "#/components/headers/Gatehouse-Status"},
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              }
            },
            "401": {"$ref": "#/components/responses/proxy-401"},
            "403": {"$ref": "#/components/responses/proxy-403"},
            "429": {"$ref": "#/components/responses/proxy-429"},
            "503": {"$ref": "#/components/responses/proxy-503"}
          }
        }
      }
    }
    """#

  /// What a proxy gets and nobody else.
  static let proxyComponents = #"""
    {
      "responses": {
        "proxy-401": {
          "description": "No valid credential.",
          "headers": {
            "Gatehouse-Status": {"$ref": "#/components/headers/Gatehouse-Status"},
            "Gatehouse-Problem": {"$ref": "#/components/headers/Gatehouse-Problem"},
            "WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "proxy-403": {
          "description": "Refused; Gatehouse-Status says whether it is a 429.",
          "headers": {
            "Gatehouse-Status": {"$ref": "#/components/headers/Gatehouse-Status"},
            "Gatehouse-Problem": {"$ref": "#/components/headers/Gatehouse-Problem"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "proxy-429": {
          "description": "A limit of the profile is used up.",
          "headers": {
            "Gatehouse-Status": {"$ref": "#/components/headers/Gatehouse-Status"},
            "Gatehouse-Problem": {"$ref": "#/components/headers/Gatehouse-Problem"},
            "RateLimit": {"$ref": "#/components/headers/RateLimit"},
            "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
            "Retry-After": {"$ref": "#/components/headers/Retry-After"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "proxy-503": {
          "description": "No decision now, or no such profile: Gatehouse-Problem says which.",
          "headers": {
            "Gatehouse-Status": {"$ref": "#/components/headers/Gatehouse-Status"},
            "Gatehouse-Problem": {"$ref": "#/components/headers/Gatehouse-Problem"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        }
      },
      "headers": {
        "Gatehouse-User": {"description": "usr_…", "schema": {"type": "string"}},
        "Gatehouse-External-Id": {
          "description": "The app's own id of the user. What is not visible ASCII, %, and spaces at either end are percent-encoded: decode it.",
          "schema": {"type": "string"},
          "example": "zo%C3%AB"
        },
        "Gatehouse-Plan": {"description": "The user's plan.", "schema": {"type": "string"}},
        "Gatehouse-Session": {"description": "ses_…", "schema": {"type": "string"}},
        "Gatehouse-Status": {"description": "What the client should get: 200, 401, 403, 429 or 503.", "schema": {"type": "string"}},
        "Gatehouse-Problem": {"description": "The problem as one line of ASCII, 1 KiB at most.", "schema": {"type": "string"}}
      }
    }
    """#
}

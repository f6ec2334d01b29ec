extension OpenAPI {
  /// The paths of tag `health`.
  static let healthPaths = #"""
    {
      "/livez": {
        "get": {
          "operationId": "livez",
          "tags": ["health"],
          "summary": "Whether the process lives",
          "security": [{}],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"type": "object", "properties": {"status": {"type": "string", "enum": ["alive"]}}, "required": ["status"]}
                }
              }
            }
          }
        }
      },
      "/readyz": {
        "get": {
          "operationId": "readyz",
          "tags": ["health"],
          "summary": "Whether the process takes requests",
          "description": "503 only while starting, draining or without the ledger; degraded while Redis is away.",
          "security": [{}],
          "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}}},
            "503": {
              "description": "Starting, draining or without the ledger.",
              "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}},
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
              }
            }
          }
        }
      },
      "/openapi.json": {
        "get": {
          "operationId": "openapi",
          "tags": ["health"],
          "summary": "This document",
          "security": [{}],
          "responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}}
        }
      }
    }
    """#
}

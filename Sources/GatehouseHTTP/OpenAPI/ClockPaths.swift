extension OpenAPI {
  /// The paths of the service's time.
  static let clockPaths = #"""
    {
      "/v1/admin/clock": {
        "get": {
          "operationId": "adminClock",
          "tags": ["admin"],
          "summary": "What time the service goes by",
          "description": "And how far Redis's clock and the host's were from it at their last reading.",
          "security": [{"key": []}],
          "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clock"}}}}
          }
        }
      },
      "/v1/admin/clock/accept": {
        "post": {
          "operationId": "acceptClock",
          "tags": ["admin"],
          "summary": "Accept a clock that has jumped",
          "description": "From the answer on every process goes by that clock's time. No day or month that is over opens again.",
          "security": [{"key": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "source": {"enum": ["redis", "host", null], "description": "Whose clock is right; Redis's if it is left out."},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500}
                  },
                  "required": ["reason"],
                  "additionalProperties": false
                },
                "example": {"source": "redis", "reason": "the host slept"}
              }
            }
          },
          "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clock"}}}}
          }
        }
      }
    }
    """#
}

extension OpenAPI {
  /// The paths of tag `events`.
  static let eventsPaths = #"""
    {
      "/v1/events": {
        "get": {
          "operationId": "events",
          "tags": ["events"],
          "summary": "What happened to accounts",
          "description": "The oldest first. next_cursor is never null: it is where to go on, now or when more has happened.",
          "security": [{"key": []}],
          "parameters": [{"$ref": "#/components/parameters/limit"}, {"$ref": "#/components/parameters/cursor"}],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                      "next_cursor": {"type": "string"}
                    },
                    "required": ["data", "next_cursor"]
                  },
                  "example": {
                    "data": [
                      {
                        "id": "evt_7c1mz40xkd9wq2",
                        "type": "user.deleted",
                        "occurred_at": "2026-11-23T14:09:44.018Z",
                        "user_id": "usr_4tq9m2kd7xw1hb",
                        "external_id": "1042",
                        "data": {}
                      }
                    ],
                    "next_cursor": "MTctLTNhOWYxYzI3YjA"
                  }
                }
              }
            }
          },
          "x-problems": [422]
        }
      }
    }
    """#
}

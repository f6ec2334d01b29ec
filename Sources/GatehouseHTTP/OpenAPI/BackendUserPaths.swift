extension OpenAPI {
  /// The paths of tag `accounts` below a user.
  static let backendUserPaths = #"""
    {
      "/v1/users/{id}/sessions": {
        "get": {
          "operationId": "listUserSessions",
          "tags": ["accounts"],
          "summary": "A user's devices",
          "description": "The last seen first. None is marked as the current one: it is the backend that asks.",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            },
            {"$ref": "#/components/parameters/limit"},
            {"$ref": "#/components/parameters/cursor"}
          ],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  },
                  "example": {
                    "data": [
                      {
                        "id": "ses_9w3kfz80qm5rta",
                        "class": "web",
                        "transport": "bearer",
                        "current": false,
                        "device": "Mia's laptop",
                        "user_agent": "Firefox 140 on Linux",
                        "ip": "203.0.113.7",
                        "created_at": "2026-11-23T14:03:07.412Z",
                        "last_seen_at": "2026-11-23T14:05:00.000Z",
                        "authenticated_at": "2026-11-23T14:03:07.412Z",
                        "idle_expires_at": "2026-11-24T14:05:00.000Z",
                        "expires_at": "2026-11-30T14:03:07.412Z"
                      }
                    ],
                    "next_cursor": null
                  }
                }
              }
            }
          },
          "x-problems": [404, 422]
        },
        "delete": {
          "operationId": "endUserSessions",
          "tags": ["accounts"],
          "summary": "End all of a user's sessions",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": false,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"reason": {"type": ["string", "null"], "minLength": 1, "maxLength": 500}},
                  "additionalProperties": false
                },
                "example": {"reason": "chargeback"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done, on every process.",
              "content": {
                "application/json": {
                  "schema": {"type": "object", "properties": {"ended": {"type": "integer", "minimum": 0}}, "required": ["ended"]},
                  "example": {"ended": 3}
                }
              }
            }
          },
          "x-problems": [404]
        }
      },
      "/v1/users/{id}/sessions/{sid}": {
        "delete": {
          "operationId": "endUserSession",
          "tags": ["accounts"],
          "summary": "End one of a user's sessions",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            },
            {
              "name": "sid",
              "in": "path",
              "required": true,
              "description": "A session's id.",
              "schema": {"type": "string", "pattern": "^ses_[0-9a-z]{14}$"}
            }
          ],
          "responses": {"204": {"description": "Done; there is no body."}},
          "x-problems": [404]
        }
      },
      "/v1/users/{id}/usage": {
        "get": {
          "operationId": "userUsage",
          "tags": ["accounts"],
          "summary": "A user's standing with every metric",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            }
          ],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Usage"},
                  "example": {
                    "plan": "free",
                    "time_zone": "Europe/Berlin",
                    "period": {"kind": "day", "starts_at": "2026-11-22T23:00:00.000Z", "ends_at": "2026-11-23T23:00:00.000Z"},
                    "data": [
                      {
                        "metric": "video_analysis",
                        "limit": 1,
                        "bonus": 0,
                        "used": 1,
                        "held": 0,
                        "remaining": 0,
                        "resets_at": "2026-11-23T23:00:00.000Z"
                      }
                    ]
                  }
                }
              }
            }
          },
          "x-problems": [404]
        }
      },
      "/v1/users/{id}/suspension": {
        "post": {
          "operationId": "suspendUser",
          "tags": ["accounts"],
          "summary": "Suspend a user",
          "description": "Every use of the user's sessions is refused from the next request on, on every process.",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"reason": {"type": "string", "minLength": 1, "maxLength": 500}},
                  "required": ["reason"],
                  "additionalProperties": false
                },
                "example": {"reason": "chargeback"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/User"},
                  "example": {
                    "id": "usr_4tq9m2kd7xw1hb",
                    "external_id": null,
                    "email": "mia@example.com",
                    "email_verified": false,
                    "pending_email": null,
                    "name": "Mia Ø",
                    "time_zone": "Europe/Berlin",
                    "plan": "free",
                    "plan_ends_at": null,
                    "status": "suspended",
                    "created_at": "2026-11-23T14:02:51.106Z"
                  }
                }
              }
            }
          },
          "x-problems": [404]
        },
        "delete": {
          "operationId": "liftSuspension",
          "tags": ["accounts"],
          "summary": "Lift a user's suspension",
          "description": "The user's sessions end: they log in anew. Nothing happens to a user who is not suspended.",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A user's id.",
              "schema": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": false,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"reason": {"type": ["string", "null"], "minLength": 1, "maxLength": 500}},
                  "additionalProperties": false
                },
                "example": {"reason": "chargeback"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/User"},
                  "example": {
                    "id": "usr_4tq9m2kd7xw1hb",
                    "external_id": null,
                    "email": "mia@example.com",
                    "email_verified": false,
                    "pending_email": null,
                    "name": "Mia Ø",
                    "time_zone": "Europe/Berlin",
                    "plan": "free",
                    "plan_ends_at": null,
                    "status": "active",
                    "created_at": "2026-11-23T14:02:51.106Z"
                  }
                }
              }
            }
          },
          "x-problems": [404]
        }
      }
    }
    """#
}

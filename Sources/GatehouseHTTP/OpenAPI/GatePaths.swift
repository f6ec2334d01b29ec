extension OpenAPI {
  /// The paths of tag `gate`.
  static let gatePaths = #"""
    {
      "/v1/gate": {
        "post": {
          "operationId": "gate",
          "tags": ["gate"],
          "summary": "Who is this, may they call now, may they use this feature today",
          "security": [{"key": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {"$ref": "#/components/schemas/GateQuestion"},
                "example": {
                  "token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4",
                  "client_ip": "203.0.113.7",
                  "limits": [{"policy": "api", "cost": 1}],
                  "reserve": {"metric": "video_analysis", "amount": 1, "idempotency_key": "upload-8f31", "lease_seconds": 1800}
                }
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {"Idempotency-Replayed": {"$ref": "#/components/headers/Idempotency-Replayed"}},
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/GateAnswer"}}}
            }
          }
        }
      },
      "/v1/gate/batch": {
        "post": {
          "operationId": "gateBatch",
          "tags": ["gate"],
          "summary": "Up to 1,000 decisions",
          "description": "Each element is a question as of /v1/gate without reserve; a wrong one fails alone.",
          "security": [{"key": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"requests": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {}}},
                  "required": ["requests"],
                  "additionalProperties": false
                },
                "example": {"requests": [{"token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4"}]}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "results": {
                        "type": "array",
                        "items": {
                          "anyOf": [
                            {"$ref": "#/components/schemas/GateAnswer"},
                            {
                              "type": "object",
                              "properties": {"problem": {"$ref": "#/components/schemas/Problem"}},
                              "required": ["problem"]
                            }
                          ]
                        }
                      }
                    },
                    "required": ["results"]
                  }
                }
              }
            }
          }
        }
      },
      "/v1/limits/{policy}/check": {
        "post": {
          "operationId": "checkLimit",
          "tags": ["gate"],
          "summary": "Count any subject",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "policy",
              "in": "path",
              "required": true,
              "description": "A policy of the app; those that count logins, sign-ups and mails are Gatehouse's own: 404.",
              "schema": {"type": "string", "minLength": 1, "maxLength": 64}
            }
          ],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "subject": {"type": "string", "minLength": 1, "maxLength": 512},
                    "cost": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1},
                    "peek": {"type": ["boolean", "null"], "default": false}
                  },
                  "required": ["subject"],
                  "additionalProperties": false
                },
                "example": {"subject": "org:42", "cost": 3, "peek": false}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "allowed": {"type": "boolean"},
                      "policy": {"type": "string"},
                      "limit": {"type": "integer", "minimum": 0},
                      "window_seconds": {"type": "integer", "minimum": 1},
                      "remaining": {"type": "integer", "minimum": 0},
                      "reset_seconds": {"type": "integer", "minimum": 0},
                      "retry_after_seconds": {"type": ["integer", "null"], "minimum": 0}
                    },
                    "required": ["allowed", "policy", "limit", "window_seconds", "remaining", "reset_seconds", "retry_after_seconds"]
                  },
                  "example": {
                    "allowed": true,
                    "policy": "upload",
                    "limit": 10,
                    "window_seconds": 3600,
                    "remaining": 7,
                    "reset_seconds": 3660,
                    "retry_after_seconds": null
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

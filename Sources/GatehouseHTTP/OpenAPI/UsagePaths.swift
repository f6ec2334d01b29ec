extension OpenAPI {
  /// The paths of tag `usage`.
  static let usagePaths = #"""
    {
      "/v1/usage": {
        "get": {
          "operationId": "usage",
          "tags": ["usage"],
          "summary": "Allowances now",
          "security": [{"token": []}, {"cookie": []}],
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Usage"}
                }
              }
            }
          }
        }
      },
      "/v1/usage/history": {
        "get": {
          "operationId": "usageHistory",
          "tags": ["usage"],
          "summary": "Used units by day",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [
            {
              "name": "metric",
              "in": "query",
              "required": false,
              "description": "The first metric of the configuration unless named.",
              "schema": {"type": "string", "maxLength": 64}
            },
            {
              "name": "from",
              "in": "query",
              "required": true,
              "description": "The first date, in the user's zone.",
              "schema": {"type": "string", "format": "date"}
            },
            {
              "name": "to",
              "in": "query",
              "required": true,
              "description": "The date after the last; at most 400 days on.",
              "schema": {"type": "string", "format": "date"}
            },
            {
              "name": "format",
              "in": "query",
              "required": false,
              "description": "Instead of Accept.",
              "schema": {"type": "string", "enum": ["json", "csv"]}
            }
          ],
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "metric": {"type": "string"},
                      "time_zone": {"type": "string"},
                      "from": {"type": "string", "format": "date"},
                      "to": {"type": "string", "format": "date"},
                      "next_cursor": {"type": ["string", "null"]},
                      "data": {
                        "type": "array",
                        "items": {
                          "type": "object",
                          "properties": {
                            "date": {"type": "string", "format": "date"},
                            "used": {"type": "integer", "minimum": 0},
                            "limit": {"type": ["integer", "null"], "minimum": 0}
                          },
                          "required": ["date", "used", "limit"]
                        }
                      }
                    },
                    "required": ["metric", "time_zone", "from", "to", "next_cursor", "data"]
                  }
                },
                "text/csv": {"schema": {"type": "string"}, "example": "date,metric,used,limit\r\n2026-11-21,video_analysis,1,1\r\n"}
              }
            }
          },
          "x-problems": [406, 422]
        }
      },
      "/v1/usage/events": {
        "get": {
          "operationId": "usageEvents",
          "tags": ["usage"],
          "summary": "Usage events",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [
            {"$ref": "#/components/parameters/from"},
            {"$ref": "#/components/parameters/to"},
            {"$ref": "#/components/parameters/limit"},
            {"$ref": "#/components/parameters/cursor"}
          ],
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/UsageEvent"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  }
                }
              }
            }
          },
          "x-problems": [422]
        },
        "post": {
          "operationId": "recordEvents",
          "tags": ["usage"],
          "summary": "Record unmetered events",
          "security": [{"key": []}],
          "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "events": {
                      "type": "array",
                      "minItems": 1,
                      "maxItems": 1000,
                      "items": {
                        "type": "object",
                        "properties": {
                          "user_id": {"type": "string", "minLength": 1, "maxLength": 64},
                          "action": {"type": "string", "minLength": 1, "maxLength": 64},
                          "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                          "metadata": {"type": ["object", "null"]}
                        },
                        "required": ["user_id", "action"],
                        "additionalProperties": false
                      }
                    }
                  },
                  "required": ["events"],
                  "additionalProperties": false
                },
                "example": {
                  "events": [
                    {"user_id": "usr_4tq9m2kd7xw1hb", "action": "export", "occurred_at": "2026-11-23T14:00:00.000Z", "metadata": {}}
                  ]
                }
              }
            }
          },
          "responses": {
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "headers": {"Idempotency-Replayed": {"$ref": "#/components/headers/Idempotency-Replayed"}},
              "content": {
                "application/json": {
                  "schema": {"type": "object", "properties": {"accepted": {"type": "integer", "minimum": 0}}, "required": ["accepted"]},
                  "example": {"accepted": 1}
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

extension OpenAPI {
  /// The paths of tag `account`.
  static let ownAccountPaths = #"""
    {
      "/v1/user": {
        "get": {
          "operationId": "ownAccount",
          "tags": ["account"],
          "summary": "The own account",
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
          }
        },
        "patch": {
          "operationId": "changeOwnAccount",
          "tags": ["account"],
          "summary": "Change the own account",
          "description": "email waits as pending_email until it is verified, and needs a password entered within 5 minutes. The answer is the same whether another account has the address, which then never verifies. At most ten such changes an hour.",
          "security": [{"token": []}, {"cookie": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 200},
                    "time_zone": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
                    "email": {"type": "string", "minLength": 3, "maxLength": 254},
                    "pending_email": {"type": "null", "description": "Drops the address that waits to be verified."}
                  },
                  "additionalProperties": false
                },
                "example": {"name": "Mia Ø", "time_zone": "Europe/Berlin", "email": "mia.new@example.com"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
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
          "x-problems": [409]
        },
        "delete": {
          "operationId": "deleteOwnAccount",
          "tags": ["account"],
          "summary": "Delete the own account",
          "security": [{"token": []}, {"cookie": []}],
          "responses": {"204": {"description": "Done; there is no body."}}
        }
      },
      "/v1/user/password": {
        "put": {
          "operationId": "changePassword",
          "tags": ["account"],
          "summary": "Change the password",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}, {"$ref": "#/components/parameters/ClientUserAgent"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "current_password": {"type": "string", "minLength": 1, "maxLength": 4096},
                    "new_password": {"type": "string", "maxLength": 4096}
                  },
                  "required": ["current_password", "new_password"],
                  "additionalProperties": false
                },
                "example": {"current_password": "correct horse battery staple", "new_password": "a brand new passphrase"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/TokenAndSession"},
                  "example": {
                    "token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4",
                    "session": {
                      "id": "ses_9w3kfz80qm5rta",
                      "class": "web",
                      "transport": "bearer",
                      "current": true,
                      "device": "Mia's laptop",
                      "user_agent": "Firefox 140 on Linux",
                      "ip": "203.0.113.7",
                      "created_at": "2026-11-23T14:03:07.412Z",
                      "last_seen_at": "2026-11-23T14:03:07.412Z",
                      "authenticated_at": "2026-11-23T14:03:07.412Z",
                      "idle_expires_at": "2026-11-24T14:03:07.412Z",
                      "expires_at": "2026-11-30T14:03:07.412Z"
                    }
                  }
                }
              }
            }
          }
        }
      },
      "/v1/user/export": {
        "get": {
          "operationId": "exportAccount",
          "tags": ["account"],
          "summary": "All that is kept of the user",
          "security": [{"token": []}, {"cookie": []}],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "user": {"$ref": "#/components/schemas/User"},
                      "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
                      "analyses": {"type": "array", "items": {"$ref": "#/components/schemas/Analysis"}},
                      "usage_events": {"type": "array", "items": {"$ref": "#/components/schemas/UsageEvent"}},
                      "allowances": {"type": "array", "items": {"$ref": "#/components/schemas/AllowanceWithBonus"}},
                      "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                      "audit": {"type": "array", "items": {"type": "object"}},
                      "exported_at": {"type": "string", "format": "date-time"}
                    },
                    "required": ["user", "sessions", "analyses", "usage_events", "allowances", "events", "audit", "exported_at"]
                  }
                }
              }
            }
          }
        }
      }
    }
    """#
}

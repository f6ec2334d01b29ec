extension OpenAPI {
  /// The paths of tag `sessions`.
  static let sessionsPaths = #"""
    {
      "/v1/sessions": {
        "post": {
          "operationId": "logIn",
          "tags": ["sessions"],
          "summary": "Log in",
          "security": [{}, {"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}, {"$ref": "#/components/parameters/ClientUserAgent"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "email": {"type": "string", "minLength": 1, "maxLength": 320},
                    "password": {"type": "string", "maxLength": 4096},
                    "class": {"enum": ["web", "remember", "mobile", null], "default": "web"},
                    "transport": {"enum": ["bearer", "cookie", null], "default": "bearer"},
                    "device": {"type": ["string", "null"], "minLength": 1, "maxLength": 100}
                  },
                  "required": ["email", "password"],
                  "additionalProperties": false
                },
                "example": {
                  "email": "mia@example.com",
                  "password": "correct horse battery staple",
                  "class": "web",
                  "transport": "bearer",
                  "device": "Mia's laptop"
                }
              }
            }
          },
          "responses": {
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "headers": {"Set-Cookie": {"$ref": "#/components/headers/Set-Cookie"}},
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/OpenedSession"},
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
                    },
                    "user": {
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
                    },
                    "sessions_ended": 0
                  }
                }
              }
            }
          },
          "x-problems": [401, 403, 429]
        },
        "get": {
          "operationId": "listSessions",
          "tags": ["sessions"],
          "summary": "Devices",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [{"$ref": "#/components/parameters/limit"}, {"$ref": "#/components/parameters/cursor"}],
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
                    ],
                    "next_cursor": null
                  }
                }
              }
            }
          },
          "x-problems": [422]
        },
        "delete": {
          "operationId": "endSessions",
          "tags": ["sessions"],
          "summary": "End the other sessions",
          "description": "The others while staying needs a password of the last 15 minutes; all, with include_current, does not.",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [
            {
              "name": "include_current",
              "in": "query",
              "required": false,
              "description": "true ends this one as well.",
              "schema": {"type": "string", "enum": ["true", "false"]}
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
                  "schema": {"type": "object", "properties": {"ended": {"type": "integer", "minimum": 0}}, "required": ["ended"]},
                  "example": {"ended": 3}
                }
              }
            }
          },
          "x-problems": [422]
        }
      },
      "/v1/sessions/{id}": {
        "delete": {
          "operationId": "endSession",
          "tags": ["sessions"],
          "summary": "End one session",
          "description": "Another than the caller's own needs a password of the last 15 minutes.",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A session's id.",
              "schema": {"type": "string", "pattern": "^ses_[0-9a-z]{14}$"}
            }
          ],
          "responses": {
            "204": {
              "description": "Done; there is no body.",
              "headers": {
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              }
            }
          },
          "x-problems": [404]
        }
      },
      "/v1/session": {
        "get": {
          "operationId": "currentSession",
          "tags": ["sessions"],
          "summary": "Who am I",
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
                  "schema": {
                    "type": "object",
                    "properties": {"session": {"$ref": "#/components/schemas/Session"}, "user": {"$ref": "#/components/schemas/User"}},
                    "required": ["session", "user"]
                  },
                  "example": {
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
                    },
                    "user": {
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
          }
        },
        "delete": {
          "operationId": "logOut",
          "tags": ["sessions"],
          "summary": "Log out",
          "description": "204 also when the session has ended already.",
          "security": [{"token": []}, {"cookie": []}],
          "responses": {
            "204": {"description": "Done; there is no body.", "headers": {"Set-Cookie": {"$ref": "#/components/headers/Set-Cookie"}}}
          }
        }
      },
      "/v1/session/rotate": {
        "post": {
          "operationId": "rotate",
          "tags": ["sessions"],
          "summary": "A successor of the token, with the age of its password",
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
      "/v1/session/reauthenticate": {
        "post": {
          "operationId": "reauthenticate",
          "tags": ["sessions"],
          "summary": "The password again: a token that alone has it, beside the presented one",
          "security": [{"token": []}, {"cookie": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}, {"$ref": "#/components/parameters/ClientUserAgent"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"password": {"type": "string", "minLength": 1, "maxLength": 4096}},
                  "required": ["password"],
                  "additionalProperties": false
                },
                "example": {"password": "correct horse battery staple"}
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
      }
    }
    """#
}

extension OpenAPI {
  /// The paths of tag `accounts`.
  static let accountsPaths = #"""
    {
      "/v1/users": {
        "post": {
          "operationId": "signUp",
          "tags": ["accounts"],
          "summary": "Sign up",
          "description": "With a service key of scope accounts the backend signs up on behalf of a client, and may set external_id. Without one, where signup.enumeration is hide, every address is answered with 202: the events feed says whom to mail what, and the new account logs in once its address is verified.",
          "security": [{}, {"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}, {"$ref": "#/components/parameters/ClientUserAgent"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "email": {"type": "string", "minLength": 3, "maxLength": 254},
                    "password": {"type": "string", "maxLength": 4096},
                    "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 200},
                    "time_zone": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
                    "external_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
                  },
                  "required": ["email", "password"],
                  "additionalProperties": false
                },
                "example": {
                  "email": "mia@example.com",
                  "password": "correct horse battery staple",
                  "name": "Mia Ø",
                  "time_zone": "Europe/Berlin"
                }
              }
            }
          },
          "responses": {
            "202": {
              "description": "Where signup.enumeration is hide: a mail to the address says more.",
              "content": {
                "application/json": {
                  "schema": {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]},
                  "example": {"email": "mia@example.com"}
                }
              }
            },
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "links": {
                "read": {"operationId": "getUser", "parameters": {"id": "$response.body#/id"}},
                "change": {"operationId": "changeUser", "parameters": {"id": "$response.body#/id"}},
                "plan": {"operationId": "changePlan", "parameters": {"id": "$response.body#/id"}}
              },
              "headers": {"Location": {"$ref": "#/components/headers/Location"}},
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
          "x-problems": [401, 403, 409, 429]
        },
        "get": {
          "operationId": "findUser",
          "tags": ["accounts"],
          "summary": "Find a user by email or external id",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "email",
              "in": "query",
              "required": false,
              "description": "One of email and external_id.",
              "schema": {"type": "string"}
            },
            {"name": "external_id", "in": "query", "required": false, "description": "The app's own id.", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
          ],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  },
                  "example": {
                    "data": [
                      {
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
                    ],
                    "next_cursor": null
                  }
                }
              }
            }
          },
          "x-problems": [404, 422]
        }
      },
      "/v1/users/{id}": {
        "get": {
          "operationId": "getUser",
          "tags": ["accounts"],
          "summary": "A user",
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
        },
        "patch": {
          "operationId": "changeUser",
          "tags": ["accounts"],
          "summary": "Change a user's external id",
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
                  "properties": {"external_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}},
                  "additionalProperties": false
                },
                "example": {"external_id": "1042"}
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
          "x-problems": [404, 409]
        },
        "delete": {
          "operationId": "deleteUser",
          "tags": ["accounts"],
          "summary": "Delete a user and all that belongs to them",
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
          "responses": {"204": {"description": "Done; there is no body."}},
          "x-problems": [404]
        }
      },
      "/v1/users/{id}/plan": {
        "put": {
          "operationId": "changePlan",
          "tags": ["accounts"],
          "summary": "Change a user's plan",
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
                  "properties": {
                    "plan": {"type": "string", "minLength": 1, "maxLength": 64},
                    "plan_ends_at": {"type": ["string", "null"], "format": "date-time"},
                    "reason": {"type": ["string", "null"], "minLength": 1, "maxLength": 500}
                  },
                  "required": ["plan"],
                  "additionalProperties": false
                },
                "example": {"plan": "pro", "plan_ends_at": "2027-11-23T00:00:00.000Z", "reason": "invoice 2041"}
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

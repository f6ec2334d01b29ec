extension OpenAPI {
  /// The paths of tag `admin`.
  static let adminPaths = #"""
    {
      "/v1/admin/users": {
        "get": {
          "operationId": "adminUsers",
          "tags": ["admin"],
          "summary": "Search users",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "query",
              "in": "query",
              "required": false,
              "description": "The beginning of an id, an email or an external id.",
              "schema": {"type": "string", "maxLength": 320}
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
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  }
                }
              }
            }
          },
          "x-problems": [422]
        }
      },
      "/v1/admin/users/{id}": {
        "get": {
          "operationId": "adminUser",
          "tags": ["admin"],
          "summary": "A user as operators see it",
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
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AdminUser"}}}}
          },
          "x-problems": [404]
        },
        "patch": {
          "operationId": "adminChangeUser",
          "tags": ["admin"],
          "summary": "Change a user's plan or status",
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
                    "plan": {"type": ["string", "null"], "minLength": 1, "maxLength": 64},
                    "plan_ends_at": {"type": ["string", "null"], "format": "date-time"},
                    "status": {"enum": ["active", "suspended", null]},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500}
                  },
                  "required": ["reason"],
                  "additionalProperties": false
                },
                "example": {"plan": "pro", "plan_ends_at": "2027-11-23T00:00:00.000Z", "reason": "invoice 2041"}
              }
            }
          },
          "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AdminUser"}}}}
          },
          "x-problems": [404]
        },
        "delete": {
          "operationId": "adminDeleteUser",
          "tags": ["admin"],
          "summary": "Delete a user",
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
                "example": {"reason": "asked for by mail"}
              }
            }
          },
          "responses": {"204": {"description": "Done; there is no body."}},
          "x-problems": [404]
        }
      },
      "/v1/admin/sessions/revoke-all": {
        "post": {
          "operationId": "revokeEveryone",
          "tags": ["admin"],
          "summary": "End everyone's sessions",
          "security": [{"key": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"confirm": {"const": "everyone"}, "reason": {"type": "string", "minLength": 1, "maxLength": 500}},
                  "required": ["confirm", "reason"],
                  "additionalProperties": false
                },
                "example": {"confirm": "everyone", "reason": "a leaked backup"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"type": "object", "properties": {"ended": {"type": "integer", "minimum": 0}}, "required": ["ended"]}
                }
              }
            }
          }
        }
      },
      "/v1/admin/keys": {
        "post": {
          "operationId": "createKey",
          "tags": ["admin"],
          "summary": "Create a service key",
          "security": [{"key": []}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 64},
                    "scopes": {
                      "type": "array",
                      "minItems": 1,
                      "maxItems": 4,
                      "items": {"type": "string", "enum": ["gate", "work", "accounts", "admin"]}
                    },
                    "expires_in_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 315360000}
                  },
                  "required": ["name", "scopes"],
                  "additionalProperties": false
                },
                "example": {"name": "backend", "scopes": ["gate", "work"], "expires_in_seconds": 31536000}
              }
            }
          },
          "responses": {
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceKey"}}}
            }
          }
        },
        "get": {
          "operationId": "listKeys",
          "tags": ["admin"],
          "summary": "Service keys",
          "security": [{"key": []}],
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "properties": {
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/ServiceKey"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  }
                }
              }
            }
          }
        }
      },
      "/v1/admin/keys/{id}": {
        "delete": {
          "operationId": "revokeKey",
          "tags": ["admin"],
          "summary": "Revoke a service key",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A key's id.",
              "schema": {"type": "string", "pattern": "^key_[0-9a-z]{14}$"}
            }
          ],
          "responses": {"204": {"description": "Done; there is no body."}},
          "x-problems": [404]
        }
      }
    }
    """#
}

extension OpenAPI {
  /// The paths of tag `mails`.
  static let mailPaths = #"""
    {
      "/v1/email-verifications": {
        "post": {
          "operationId": "requestVerification",
          "tags": ["mails"],
          "summary": "What to mail to verify an address",
          "description": "The address is pending_email if one waits, else email; null when there is nothing to verify and for a suspended user. Three mails an hour for an account.",
          "security": [{"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"user_id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"}},
                  "required": ["user_id"],
                  "additionalProperties": false
                },
                "example": {"user_id": "usr_4tq9m2kd7xw1hb"}
              }
            }
          },
          "responses": {
            "202": {
              "description": "Taken; mail is what to send, or null for nothing.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/MailToSend"},
                  "example": {
                    "mail": {
                      "to": "mia@example.com",
                      "token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN",
                      "expires_at": "2026-11-23T15:02:51.106Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [404, 429]
        }
      },
      "/v1/email-verifications/complete": {
        "post": {
          "operationId": "completeVerification",
          "tags": ["mails"],
          "summary": "Verify an address",
          "description": "The token is good once, until it expires, and for the address that it was mailed to. A pending address becomes the present one.",
          "security": [{}, {"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"token": {"type": "string", "maxLength": 4096}},
                  "required": ["token"],
                  "additionalProperties": false
                },
                "example": {"token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done; the account as it is now.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/User"},
                  "example": {
                    "id": "usr_4tq9m2kd7xw1hb",
                    "external_id": "1042",
                    "email": "mia@example.com",
                    "email_verified": true,
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
          "x-problems": [401, 403, 409, 410, 429]
        }
      },
      "/v1/password-resets": {
        "post": {
          "operationId": "requestReset",
          "tags": ["mails"],
          "summary": "What to mail to reset a password",
          "description": "null, after the same time, for an address without an account and for a suspended one. Three mails an hour for an address.",
          "security": [{"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"email": {"type": "string", "minLength": 1, "maxLength": 320}},
                  "required": ["email"],
                  "additionalProperties": false
                },
                "example": {"email": "mia@example.com"}
              }
            }
          },
          "responses": {
            "202": {
              "description": "Taken; mail is what to send, or null for nothing.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/MailToSend"},
                  "example": {
                    "mail": {
                      "to": "mia@example.com",
                      "token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN",
                      "expires_at": "2026-11-23T15:02:51.106Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [429]
        }
      },
      "/v1/password-resets/complete": {
        "post": {
          "operationId": "completeReset",
          "tags": ["mails"],
          "summary": "Set a new password",
          "description": "Ends every session, verifies the address, drops a pending one and every other mailed token. Nobody is logged in by it. A password that is refused leaves the token good.",
          "security": [{}, {"key": []}],
          "parameters": [{"$ref": "#/components/parameters/ClientIP"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "token": {"type": "string", "maxLength": 4096},
                    "password": {"type": "string", "maxLength": 4096}
                  },
                  "required": ["token", "password"],
                  "additionalProperties": false
                },
                "example": {"token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN", "password": "a brand new passphrase"}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done; the account as it is now.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/User"},
                  "example": {
                    "id": "usr_4tq9m2kd7xw1hb",
                    "external_id": "1042",
                    "email": "mia@example.com",
                    "email_verified": true,
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
          "x-problems": [401, 403, 410, 429]
        }
      }
    }
    """#
}

extension OpenAPI {
  /// What every question to the gate may hold.
  private static let questionFields = #"""
              "token": {"type": "string", "minLength": 1, "maxLength": 4096, "description": "The session token that the user's request brought."},
              "client_ip": {
                "type": ["string", "null"], "maxLength": 64, "minLength": 1,
                "description": "The address of the user's client, IPv4 or IPv6; required by policies that count addresses."
              },
              "user_agent": {"type": ["string", "null"], "maxLength": 1024, "description": "The User-Agent of the user's client."},
              "limits": {
                "type": ["array", "null"],
                "maxItems": 16,
                "description": "Policies that this call counts against, decided together; left out: one unit of api. Empty: none.",
                "items": {
                  "type": "object",
                  "properties": {
                    "policy": {"type": "string", "minLength": 1, "maxLength": 64, "description": "A policy of the configuration, each once."},
                    "cost": {
                      "type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1,
                      "description": "Units that the call costs; a refused call costs none of the user's."
                    }
                  },
                  "required": ["policy"],
                  "additionalProperties": false
                }
              },
              "require": {
                "type": ["object", "null"],
                "description": "What the session must have beyond being valid.",
                "properties": {
                  "plan": {
                    "type": ["string", "array", "null"], "minLength": 1, "maxLength": 64,
                    "items": {"type": "string", "minLength": 1, "maxLength": 64}, "minItems": 1, "maxItems": 16,
                    "description": "One of these plans; else plan_required."
                  },
                  "authenticated_within_seconds": {
                    "type": ["integer", "null"], "minimum": 1, "maximum": 31536000,
                    "description": "How long ago the password was entered at most; else reauthentication_required."
                  },
                  "email_verified": {"type": ["boolean", "null"], "description": "true: a verified address; else email_unverified."}
                },
                "additionalProperties": false
              },
              "peek": {"type": ["boolean", "null"], "default": false, "description": "true: decide, and spend and hold nothing."}
    """#

  /// The shapes of the gate's questions and answers.
  static let gateSchemas = #"""
    {
      "Allowance": {
        "type": "object",
        "properties": {
          "metric": {"type": "string"},
          "limit": {"type": ["integer", "null"], "minimum": 0, "description": "null is unlimited"},
          "used": {"type": "integer", "minimum": 0},
          "held": {"type": "integer", "minimum": 0},
          "remaining": {"type": ["integer", "null"], "minimum": 0},
          "resets_at": {"type": "string", "format": "date-time"}
        },
        "required": ["metric", "limit", "used", "held", "remaining", "resets_at"]
      },
      "BatchQuestion": {
        "type": "object",
        "properties": {
    \#(questionFields)
        },
        "required": ["token"],
        "additionalProperties": false
      },
      "GateAnswer": {
        "type": "object",
        "properties": {
          "decision": {
            "type": "string",
            "description": "An unknown value means refuse.",
            "enum": [
              "unauthenticated",
              "suspended",
              "reauthentication_required",
              "email_unverified",
              "plan_required",
              "cost_exceeds_limit",
              "rate_limited",
              "allowance_exhausted",
              "allow"
            ]
          },
          "allowed": {"type": "boolean"},
          "source": {"type": "string", "enum": ["redis", "ledger"]},
          "retry_after_seconds": {"type": ["integer", "null"], "minimum": 0},
          "user": {"anyOf": [{"$ref": "#/components/schemas/GateUser"}, {"type": "null"}]},
          "session": {"anyOf": [{"$ref": "#/components/schemas/GateSession"}, {"type": "null"}]},
          "limits": {"type": "array", "items": {"$ref": "#/components/schemas/PolicyStanding"}},
          "allowances": {"type": "array", "items": {"$ref": "#/components/schemas/Allowance"}},
          "reservation": {"anyOf": [{"$ref": "#/components/schemas/GateReservation"}, {"type": "null"}]},
          "headers": {"type": "object", "additionalProperties": {"type": "string"}},
          "problem": {"anyOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]}
        },
        "required": [
          "decision",
          "allowed",
          "source",
          "retry_after_seconds",
          "user",
          "session",
          "limits",
          "allowances",
          "reservation",
          "headers",
          "problem"
        ]
      },
      "GateQuestion": {
        "type": "object",
        "properties": {
    \#(questionFields),
          "reserve": {
            "type": ["object", "null"],
            "description": "Units to hold if the answer is allow, until they are committed or released.",
            "properties": {
              "metric": {"type": "string", "minLength": 1, "maxLength": 64, "description": "A metric of the configuration."},
              "amount": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1, "description": "Units to hold."},
              "idempotency_key": {
                "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$",
                "description": "The same key of the same user gives the same reservation again, for 24 hours."
              },
              "lease_seconds": {
                "type": ["integer", "null"], "minimum": 1, "maximum": 86400, "default": 1800,
                "description": "When the units come back by themselves unless the lease is extended."
              }
            },
            "required": ["metric", "idempotency_key"],
            "additionalProperties": false
          }
        },
        "required": ["token"],
        "additionalProperties": false
      },
      "GateReservation": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^rsv_[0-9a-z]{14}$"},
          "metric": {"type": "string"},
          "amount": {"type": "integer", "minimum": 1},
          "status": {"type": "string"},
          "lease_expires_at": {"type": ["string", "null"], "format": "date-time"}
        },
        "required": ["id", "metric", "amount", "status", "lease_expires_at"]
      },
      "GateSession": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^ses_[0-9a-z]{14}$"},
          "class": {"type": "string"},
          "authenticated_at": {"type": "string", "format": "date-time"},
          "idle_expires_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": "string", "format": "date-time"}
        },
        "required": ["id", "class", "authenticated_at", "idle_expires_at", "expires_at"]
      },
      "GateUser": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "external_id": {"type": ["string", "null"]},
          "plan": {"type": "string"},
          "status": {"type": "string"},
          "email_verified": {"type": "boolean"}
        },
        "required": ["id", "external_id", "plan", "status", "email_verified"]
      },
      "PolicyStanding": {
        "type": "object",
        "properties": {
          "policy": {"type": "string"},
          "limit": {"type": "integer", "minimum": 0},
          "window_seconds": {"type": "integer", "minimum": 1},
          "remaining": {"type": "integer", "minimum": 0},
          "reset_seconds": {"type": "integer", "minimum": 0},
          "exceeded": {"type": "boolean"},
          "shadow": {"type": "boolean"}
        },
        "required": ["policy", "limit", "window_seconds", "remaining", "reset_seconds", "exceeded", "shadow"]
      },
      "Problem": {
        "type": "object",
        "description": "application/problem+json; some codes have further members.",
        "properties": {
          "type": {"type": "string"},
          "title": {"type": "string"},
          "status": {"type": "integer", "minimum": 400, "maximum": 599},
          "code": {"type": "string"},
          "detail": {"type": "string", "description": "What is wrong, where, and what to do."},
          "request_id": {"type": "string"},
          "errors": {
            "type": "array",
            "items": {
              "type": "object",
              "properties": {
                "field": {"type": "string"},
                "pointer": {"type": "string"},
                "code": {"type": "string"},
                "message": {"type": "string"}
              },
              "required": ["field", "pointer", "code", "message"]
            }
          },
          "violated-policies": {"type": "array", "items": {"type": "string"}}
        },
        "required": ["type", "title", "status", "code", "detail", "request_id"]
      }
    }
    """#
}

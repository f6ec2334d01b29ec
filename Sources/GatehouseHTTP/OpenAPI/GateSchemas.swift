extension OpenAPI {
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
          "token": {"type": "string", "minLength": 1, "maxLength": 4096},
          "client_ip": {"type": ["string", "null"], "maxLength": 64, "minLength": 1},
          "user_agent": {"type": ["string", "null"], "maxLength": 1024},
          "limits": {
            "type": ["array", "null"],
            "maxItems": 16,
            "items": {
              "type": "object",
              "properties": {
                "policy": {"type": "string", "minLength": 1, "maxLength": 64},
                "cost": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1}
              },
              "required": ["policy"],
              "additionalProperties": false
            }
          },
          "require": {
            "type": ["object", "null"],
            "properties": {
              "plan": {
                "type": ["string", "array", "null"], "minLength": 1, "maxLength": 64,
                "items": {"type": "string", "minLength": 1, "maxLength": 64}, "minItems": 1, "maxItems": 16
              },
              "authenticated_within_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 31536000},
              "email_verified": {"type": ["boolean", "null"]}
            },
            "additionalProperties": false
          },
          "peek": {"type": ["boolean", "null"], "default": false}
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
          "token": {"type": "string", "minLength": 1, "maxLength": 4096},
          "client_ip": {"type": ["string", "null"], "maxLength": 64, "minLength": 1},
          "user_agent": {"type": ["string", "null"], "maxLength": 1024},
          "limits": {
            "type": ["array", "null"],
            "maxItems": 16,
            "items": {
              "type": "object",
              "properties": {
                "policy": {"type": "string", "minLength": 1, "maxLength": 64},
                "cost": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1}
              },
              "required": ["policy"],
              "additionalProperties": false
            }
          },
          "require": {
            "type": ["object", "null"],
            "properties": {
              "plan": {
                "type": ["string", "array", "null"], "minLength": 1, "maxLength": 64,
                "items": {"type": "string", "minLength": 1, "maxLength": 64}, "minItems": 1, "maxItems": 16
              },
              "authenticated_within_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 31536000},
              "email_verified": {"type": ["boolean", "null"]}
            },
            "additionalProperties": false
          },
          "peek": {"type": ["boolean", "null"], "default": false},
          "reserve": {
            "type": ["object", "null"],
            "properties": {
              "metric": {"type": "string", "minLength": 1, "maxLength": 64},
              "amount": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1},
              "idempotency_key": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
              "lease_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86400, "default": 1800}
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

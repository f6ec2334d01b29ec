extension OpenAPI {
  /// The shapes that several answers share.
  static let schemas = #"""
    {
      "AdminUser": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "external_id": {"type": ["string", "null"]},
          "email": {"type": "string"},
          "email_verified": {"type": "boolean"},
          "pending_email": {"type": ["string", "null"]},
          "name": {"type": ["string", "null"]},
          "time_zone": {"type": "string"},
          "plan": {"type": "string"},
          "plan_ends_at": {"type": ["string", "null"], "format": "date-time"},
          "status": {"type": "string", "enum": ["active", "suspended"]},
          "created_at": {"type": "string", "format": "date-time"},
          "suspended_reason": {"type": ["string", "null"]},
          "last_login_at": {"type": ["string", "null"], "format": "date-time"},
          "password_scheme": {"type": "string"},
          "sessions_live": {"type": "integer", "minimum": 0},
          "allowances": {"type": "array", "items": {"$ref": "#/components/schemas/AllowanceWithBonus"}},
          "overrides": {"type": "array", "items": {"type": "object"}}
        },
        "required": [
          "id",
          "external_id",
          "email",
          "email_verified",
          "pending_email",
          "name",
          "time_zone",
          "plan",
          "plan_ends_at",
          "status",
          "created_at",
          "suspended_reason",
          "last_login_at",
          "password_scheme",
          "sessions_live",
          "allowances",
          "overrides"
        ]
      },
      "Usage": {
        "type": "object",
        "properties": {
          "plan": {"type": "string"},
          "time_zone": {"type": "string"},
          "period": {
            "type": "object",
            "properties": {
              "kind": {"type": "string"},
              "starts_at": {"type": "string", "format": "date-time"},
              "ends_at": {"type": "string", "format": "date-time"}
            },
            "required": ["kind", "starts_at", "ends_at"]
          },
          "data": {"type": "array", "items": {"$ref": "#/components/schemas/AllowanceWithBonus"}}
        },
        "required": ["plan", "time_zone", "period", "data"]
      },
      "AllowanceWithBonus": {
        "type": "object",
        "properties": {
          "metric": {"type": "string"},
          "limit": {"type": ["integer", "null"], "minimum": 0},
          "bonus": {"type": "integer", "minimum": 0},
          "used": {"type": "integer", "minimum": 0},
          "held": {"type": "integer", "minimum": 0},
          "remaining": {"type": ["integer", "null"], "minimum": 0},
          "resets_at": {"type": "string", "format": "date-time"}
        },
        "required": ["metric", "limit", "bonus", "used", "held", "remaining", "resets_at"]
      },
      "Analysis": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^ana_[0-9a-z]{14}$"},
          "user_id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "status": {"type": "string", "enum": ["pending", "running", "completed", "failed", "expired", "cancelled"]},
          "filename": {"type": ["string", "null"]},
          "metadata": {"type": "object"},
          "metric": {"type": "string"},
          "amount": {"type": "integer", "minimum": 1},
          "reservation_id": {"type": "string"},
          "lease_expires_at": {"type": ["string", "null"], "format": "date-time"},
          "result": {"description": "Any JSON, as it was reported; null while there is none, and in lists without include=result."},
          "error": {"type": ["object", "null"]},
          "created_at": {"type": "string", "format": "date-time"},
          "finished_at": {"type": ["string", "null"], "format": "date-time"}
        },
        "required": [
          "id",
          "user_id",
          "status",
          "filename",
          "metadata",
          "metric",
          "amount",
          "reservation_id",
          "lease_expires_at",
          "result",
          "error",
          "created_at",
          "finished_at"
        ]
      },
      "AnalysisAndAllowance": {
        "type": "object",
        "properties": {"analysis": {"$ref": "#/components/schemas/Analysis"}, "allowance": {"$ref": "#/components/schemas/Allowance"}},
        "required": ["analysis", "allowance"]
      },
      "Event": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^evt_[0-9a-z]{14}$"},
          "type": {
            "type": "string",
            "description": "user.created, signup.repeated, user.deleted, user.suspended, user.reactivated, user.email_changed, user.email_verified, session.created, session.ended, password.changed, password.reset, plan.changed, allowance.exhausted; more may come."
          },
          "occurred_at": {"type": "string", "format": "date-time"},
          "user_id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "external_id": {"type": ["string", "null"], "description": "As it was when it happened."},
          "data": {"type": "object"}
        },
        "required": ["id", "type", "occurred_at", "user_id", "external_id", "data"]
      },
      "MailToSend": {
        "type": "object",
        "properties": {
          "mail": {
            "type": ["object", "null"],
            "properties": {
              "to": {"type": "string"},
              "token": {"type": "string", "pattern": "^ghm_[0-9A-Za-z]{49}$"},
              "expires_at": {"type": "string", "format": "date-time"}
            },
            "required": ["to", "token", "expires_at"]
          }
        },
        "required": ["mail"]
      },
      "OpenedSession": {
        "type": "object",
        "properties": {
          "token": {"type": ["string", "null"], "description": "null with transport cookie"},
          "session": {"$ref": "#/components/schemas/Session"},
          "user": {"$ref": "#/components/schemas/User"},
          "sessions_ended": {"type": "integer", "minimum": 0}
        },
        "required": ["token", "session", "user", "sessions_ended"]
      },
      "Clock": {
        "type": "object",
        "properties": {
          "now": {"type": "string", "format": "date-time", "description": "The service's time."},
          "status": {"type": "string", "enum": ["believed", "alarm"], "description": "Whether Redis's clock is believed."},
          "redis_offset_ms": {"type": ["integer", "null"], "description": "How far Redis's clock is ahead; null before it is heard."},
          "host_offset_ms": {"type": "integer", "description": "How far the host's clock is ahead."},
          "quiet_until": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Nothing is removed for its age before; null when rows may go."
          }
        },
        "required": ["now", "status", "redis_offset_ms", "host_offset_ms", "quiet_until"]
      },
      "Readiness": {
        "type": "object",
        "properties": {
          "status": {"type": "string", "enum": ["ready", "degraded", "starting", "draining", "down"]},
          "redis": {"type": "string", "enum": ["up", "down"]},
          "ledger": {"type": "string", "enum": ["up", "down"]},
          "clock": {
            "type": "string",
            "enum": ["believed", "alarm"],
            "description": "`alarm`: Redis's clock has jumped, and the ledger serves until it agrees again or an operator accepts it."
          }
        },
        "required": ["status", "redis", "ledger", "clock"]
      },
      "Reservation": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^rsv_[0-9a-z]{14}$"},
          "user_id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "metric": {"type": "string"},
          "amount": {"type": "integer", "minimum": 1},
          "committed": {"type": "integer", "minimum": 0},
          "status": {"type": "string", "enum": ["held", "committed", "released", "expired"]},
          "period_starts_at": {"type": "string", "format": "date-time"},
          "lease_expires_at": {"type": ["string", "null"], "format": "date-time"},
          "created_at": {"type": "string", "format": "date-time"},
          "finished_at": {"type": ["string", "null"], "format": "date-time"}
        },
        "required": [
          "id",
          "user_id",
          "metric",
          "amount",
          "committed",
          "status",
          "period_starts_at",
          "lease_expires_at",
          "created_at",
          "finished_at"
        ]
      },
      "ReservationAndAllowance": {
        "type": "object",
        "properties": {
          "reservation": {"$ref": "#/components/schemas/Reservation"},
          "allowance": {"$ref": "#/components/schemas/Allowance"}
        },
        "required": ["reservation", "allowance"]
      },
      "ServiceKey": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^key_[0-9a-z]{14}$"},
          "name": {"type": "string"},
          "key": {"type": "string", "description": "The key itself, in the answer to its creation alone."},
          "scopes": {"type": "array", "items": {"type": "string", "enum": ["gate", "work", "accounts", "admin"]}},
          "created_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": ["string", "null"], "format": "date-time"},
          "last_used_at": {"type": ["string", "null"], "format": "date-time"},
          "revoked_at": {"type": ["string", "null"], "format": "date-time"}
        },
        "required": ["id", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
      },
      "Session": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^ses_[0-9a-z]{14}$"},
          "class": {"type": "string", "enum": ["web", "remember", "mobile"]},
          "transport": {"type": "string", "enum": ["bearer", "cookie"]},
          "current": {"type": "boolean"},
          "device": {"type": ["string", "null"]},
          "user_agent": {"type": ["string", "null"]},
          "ip": {"type": ["string", "null"]},
          "created_at": {"type": "string", "format": "date-time"},
          "last_seen_at": {"type": "string", "format": "date-time"},
          "authenticated_at": {"type": "string", "format": "date-time"},
          "idle_expires_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": "string", "format": "date-time"}
        },
        "required": [
          "id",
          "class",
          "transport",
          "current",
          "device",
          "user_agent",
          "ip",
          "created_at",
          "last_seen_at",
          "authenticated_at",
          "idle_expires_at",
          "expires_at"
        ]
      },
      "TokenAndSession": {
        "type": "object",
        "properties": {"token": {"type": ["string", "null"]}, "session": {"$ref": "#/components/schemas/Session"}},
        "required": ["token", "session"]
      },
      "UsageEvent": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^evt_[0-9a-z]{14}$"},
          "action": {"type": "string"},
          "metric": {"type": ["string", "null"]},
          "amount": {"type": ["integer", "null"], "minimum": 0},
          "occurred_at": {"type": "string", "format": "date-time"},
          "metadata": {"type": "object"}
        },
        "required": ["id", "action", "metric", "amount", "occurred_at", "metadata"]
      },
      "User": {
        "type": "object",
        "properties": {
          "id": {"type": "string", "pattern": "^usr_[0-9a-z]{14}$"},
          "external_id": {"type": ["string", "null"]},
          "email": {"type": "string"},
          "email_verified": {"type": "boolean"},
          "pending_email": {"type": ["string", "null"]},
          "name": {"type": ["string", "null"]},
          "time_zone": {"type": "string"},
          "plan": {"type": "string"},
          "plan_ends_at": {"type": ["string", "null"], "format": "date-time"},
          "status": {"type": "string", "enum": ["active", "suspended"]},
          "created_at": {"type": "string", "format": "date-time"}
        },
        "required": [
          "id",
          "external_id",
          "email",
          "email_verified",
          "pending_email",
          "name",
          "time_zone",
          "plan",
          "plan_ends_at",
          "status",
          "created_at"
        ]
      }
    }
    """#
}

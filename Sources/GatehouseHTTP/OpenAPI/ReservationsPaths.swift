extension OpenAPI {
  /// The paths of tag `reservations`.
  static let reservationsPaths = #"""
    {
      "/v1/reservations": {
        "post": {
          "operationId": "reserve",
          "tags": ["reservations"],
          "summary": "Hold units for a job",
          "security": [{"key": []}],
          "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "user_id": {"type": "string", "minLength": 1, "maxLength": 64},
                    "metric": {"type": "string", "minLength": 1, "maxLength": 64},
                    "amount": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 1},
                    "lease_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86400, "default": 1800},
                    "commit": {"type": ["boolean", "null"], "default": false}
                  },
                  "required": ["user_id", "metric"],
                  "additionalProperties": false
                },
                "example": {
                  "user_id": "usr_4tq9m2kd7xw1hb",
                  "metric": "video_analysis",
                  "amount": 1,
                  "lease_seconds": 600,
                  "commit": false
                }
              }
            }
          },
          "responses": {
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "links": {
                "commit": {"operationId": "commitReservation", "parameters": {"id": "$response.body#/reservation/id"}},
                "release": {"operationId": "releaseReservation", "parameters": {"id": "$response.body#/reservation/id"}},
                "extend": {"operationId": "extendReservation", "parameters": {"id": "$response.body#/reservation/id"}}
              },
              "headers": {"Idempotency-Replayed": {"$ref": "#/components/headers/Idempotency-Replayed"}},
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/ReservationAndAllowance"},
                  "example": {
                    "reservation": {
                      "id": "rsv_8d2znq07fb5xkw",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "metric": "video_analysis",
                      "amount": 1,
                      "committed": 0,
                      "status": "held",
                      "period_starts_at": "2026-11-22T23:00:00.000Z",
                      "lease_expires_at": "2026-11-23T14:13:10.000Z",
                      "created_at": "2026-11-23T14:03:10.000Z",
                      "finished_at": null
                    },
                    "allowance": {
                      "metric": "video_analysis",
                      "limit": 1,
                      "used": 0,
                      "held": 1,
                      "remaining": 0,
                      "resets_at": "2026-11-23T23:00:00.000Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [404, 429]
        }
      },
      "/v1/reservations/{id}/commit": {
        "post": {
          "operationId": "commitReservation",
          "tags": ["reservations"],
          "summary": "Use held units",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A reservation's id.",
              "schema": {"type": "string", "pattern": "^rsv_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": false,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"amount": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000}},
                  "additionalProperties": false
                },
                "example": {"amount": 1}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/ReservationAndAllowance"},
                  "example": {
                    "reservation": {
                      "id": "rsv_8d2znq07fb5xkw",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "metric": "video_analysis",
                      "amount": 1,
                      "committed": 0,
                      "status": "held",
                      "period_starts_at": "2026-11-22T23:00:00.000Z",
                      "lease_expires_at": "2026-11-23T14:13:10.000Z",
                      "created_at": "2026-11-23T14:03:10.000Z",
                      "finished_at": null
                    },
                    "allowance": {
                      "metric": "video_analysis",
                      "limit": 1,
                      "used": 0,
                      "held": 1,
                      "remaining": 0,
                      "resets_at": "2026-11-23T23:00:00.000Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [404, 409]
        }
      },
      "/v1/reservations/{id}/release": {
        "post": {
          "operationId": "releaseReservation",
          "tags": ["reservations"],
          "summary": "Give held units back",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A reservation's id.",
              "schema": {"type": "string", "pattern": "^rsv_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": false,
            "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}, "example": {}}}
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/ReservationAndAllowance"},
                  "example": {
                    "reservation": {
                      "id": "rsv_8d2znq07fb5xkw",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "metric": "video_analysis",
                      "amount": 1,
                      "committed": 0,
                      "status": "held",
                      "period_starts_at": "2026-11-22T23:00:00.000Z",
                      "lease_expires_at": "2026-11-23T14:13:10.000Z",
                      "created_at": "2026-11-23T14:03:10.000Z",
                      "finished_at": null
                    },
                    "allowance": {
                      "metric": "video_analysis",
                      "limit": 1,
                      "used": 0,
                      "held": 1,
                      "remaining": 0,
                      "resets_at": "2026-11-23T23:00:00.000Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [404, 409]
        }
      },
      "/v1/reservations/{id}/extend": {
        "post": {
          "operationId": "extendReservation",
          "tags": ["reservations"],
          "summary": "Extend the lease",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "A reservation's id.",
              "schema": {"type": "string", "pattern": "^rsv_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {"lease_seconds": {"type": "integer", "minimum": 1, "maximum": 86400}},
                  "required": ["lease_seconds"],
                  "additionalProperties": false
                },
                "example": {"lease_seconds": 600}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/ReservationAndAllowance"},
                  "example": {
                    "reservation": {
                      "id": "rsv_8d2znq07fb5xkw",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "metric": "video_analysis",
                      "amount": 1,
                      "committed": 0,
                      "status": "held",
                      "period_starts_at": "2026-11-22T23:00:00.000Z",
                      "lease_expires_at": "2026-11-23T14:13:10.000Z",
                      "created_at": "2026-11-23T14:03:10.000Z",
                      "finished_at": null
                    },
                    "allowance": {
                      "metric": "video_analysis",
                      "limit": 1,
                      "used": 0,
                      "held": 1,
                      "remaining": 0,
                      "resets_at": "2026-11-23T23:00:00.000Z"
                    }
                  }
                }
              }
            }
          },
          "x-problems": [404, 409]
        }
      }
    }
    """#
}

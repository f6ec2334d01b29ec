extension OpenAPI {
  /// The paths of tag `analyses`.
  static let analysesPaths = #"""
    {
      "/v1/analyses": {
        "post": {
          "operationId": "startAnalysis",
          "tags": ["analyses"],
          "summary": "Start an analysis: reserves one unit of its metric",
          "security": [{"token": []}, {"cookie": []}, {"key": []}],
          "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "properties": {
                    "user_id": {"type": "string", "minLength": 1, "maxLength": 64, "description": "With a service key only."},
                    "filename": {"type": ["string", "null"], "minLength": 1, "maxLength": 255},
                    "metadata": {"type": ["object", "null"]},
                    "lease_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86400, "default": 1800},
                    "metric": {
                      "type": ["string", "null"], "minLength": 1, "maxLength": 64,
                      "description": "What it costs one unit of; left out: the first metric of the configuration. Not with reservation_id."
                    },
                    "reservation_id": {
                      "type": ["string", "null"], "minLength": 1, "maxLength": 64,
                      "description": "A held reservation to use in place of a new one."
                    }
                  },
                  "additionalProperties": false
                },
                "examples": {
                  "user": {
                    "summary": "With a session token.",
                    "value": {"filename": "squat.mp4", "metadata": {"athlete": "17"}, "lease_seconds": 1800}
                  },
                  "backend": {
                    "summary": "With a service key.",
                    "value": {"user_id": "usr_4tq9m2kd7xw1hb", "filename": "squat.mp4", "metric": "video_analysis"}
                  }
                }
              }
            }
          },
          "responses": {
            "201": {
              "description": "Created; an answer follows a durable commit.",
              "links": {
                "read": {"operationId": "getAnalysis", "parameters": {"id": "$response.body#/analysis/id"}},
                "report": {"operationId": "reportAnalysis", "parameters": {"id": "$response.body#/analysis/id"}},
                "cancel": {"operationId": "deleteAnalysis", "parameters": {"id": "$response.body#/analysis/id"}}
              },
              "headers": {
                "Location": {"$ref": "#/components/headers/Location"},
                "Idempotency-Replayed": {"$ref": "#/components/headers/Idempotency-Replayed"},
                "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}
              },
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/AnalysisAndAllowance"},
                  "example": {
                    "analysis": {
                      "id": "ana_3p7xkd52vh9mzc",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "status": "pending",
                      "filename": "squat.mp4",
                      "metadata": {"athlete": "17"},
                      "metric": "video_analysis",
                      "amount": 1,
                      "reservation_id": "rsv_6m1ytc94wd8qse",
                      "lease_expires_at": "2026-11-23T14:33:07.930Z",
                      "result": null,
                      "error": null,
                      "created_at": "2026-11-23T14:03:07.930Z",
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
        },
        "get": {
          "operationId": "listAnalyses",
          "tags": ["analyses"],
          "summary": "The history of analyses",
          "security": [{"token": []}, {"cookie": []}, {"key": []}],
          "parameters": [
            {
              "name": "user_id",
              "in": "query",
              "required": false,
              "description": "With a service key: whose.",
              "schema": {"type": "string", "maxLength": 64}
            },
            {
              "name": "status",
              "in": "query",
              "required": false,
              "description": "",
              "schema": {"type": "string", "enum": ["pending", "running", "completed", "failed", "expired", "cancelled"]}
            },
            {"$ref": "#/components/parameters/from"},
            {"$ref": "#/components/parameters/to"},
            {
              "name": "include",
              "in": "query",
              "required": false,
              "description": "result: with results.",
              "schema": {"type": "string", "enum": ["result"]}
            },
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
                      "data": {"type": "array", "items": {"$ref": "#/components/schemas/Analysis"}},
                      "next_cursor": {"type": ["string", "null"]}
                    },
                    "required": ["data", "next_cursor"]
                  },
                  "example": {
                    "data": [
                      {
                        "id": "ana_3p7xkd52vh9mzc",
                        "user_id": "usr_4tq9m2kd7xw1hb",
                        "status": "pending",
                        "filename": "squat.mp4",
                        "metadata": {"athlete": "17"},
                        "metric": "video_analysis",
                        "amount": 1,
                        "reservation_id": "rsv_6m1ytc94wd8qse",
                        "lease_expires_at": "2026-11-23T14:33:07.930Z",
                        "result": null,
                        "error": null,
                        "created_at": "2026-11-23T14:03:07.930Z",
                        "finished_at": null
                      }
                    ],
                    "next_cursor": null
                  }
                }
              }
            }
          },
          "x-problems": [422]
        }
      },
      "/v1/analyses/{id}": {
        "get": {
          "operationId": "getAnalysis",
          "tags": ["analyses"],
          "summary": "An analysis",
          "security": [{"token": []}, {"cookie": []}, {"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "An analysis's id.",
              "schema": {"type": "string", "pattern": "^ana_[0-9a-z]{14}$"}
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
                  "schema": {"$ref": "#/components/schemas/Analysis"},
                  "example": {
                    "id": "ana_3p7xkd52vh9mzc",
                    "user_id": "usr_4tq9m2kd7xw1hb",
                    "status": "pending",
                    "filename": "squat.mp4",
                    "metadata": {"athlete": "17"},
                    "metric": "video_analysis",
                    "amount": 1,
                    "reservation_id": "rsv_6m1ytc94wd8qse",
                    "lease_expires_at": "2026-11-23T14:33:07.930Z",
                    "result": null,
                    "error": null,
                    "created_at": "2026-11-23T14:03:07.930Z",
                    "finished_at": null
                  }
                }
              }
            }
          },
          "x-problems": [404]
        },
        "patch": {
          "operationId": "reportAnalysis",
          "tags": ["analyses"],
          "summary": "A worker's report",
          "security": [{"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "An analysis's id.",
              "schema": {"type": "string", "pattern": "^ana_[0-9a-z]{14}$"}
            }
          ],
          "requestBody": {
            "required": true,
            "content": {
              "application/json": {
                "schema": {
                  "oneOf": [
                    {
                      "type": "object",
                      "properties": {
                        "status": {"const": "running"},
                        "lease_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86400, "default": 1800}
                      },
                      "required": ["status"],
                      "additionalProperties": false
                    },
                    {
                      "type": "object",
                      "properties": {
                        "status": {"const": "completed"},
                        "result": {"description": "Any JSON but null, up to 64 KiB."},
                        "rereserve": {"type": ["boolean", "null"], "default": false}
                      },
                      "required": ["status", "result"],
                      "additionalProperties": false
                    },
                    {
                      "type": "object",
                      "properties": {"status": {"const": "failed"}, "error": {"type": ["object", "null"]}},
                      "required": ["status"],
                      "additionalProperties": false
                    }
                  ]
                },
                "example": {"status": "completed", "result": {"score": 36.1}}
              }
            }
          },
          "responses": {
            "200": {
              "description": "Done.",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/AnalysisAndAllowance"},
                  "example": {
                    "analysis": {
                      "id": "ana_3p7xkd52vh9mzc",
                      "user_id": "usr_4tq9m2kd7xw1hb",
                      "status": "pending",
                      "filename": "squat.mp4",
                      "metadata": {"athlete": "17"},
                      "metric": "video_analysis",
                      "amount": 1,
                      "reservation_id": "rsv_6m1ytc94wd8qse",
                      "lease_expires_at": "2026-11-23T14:33:07.930Z",
                      "result": null,
                      "error": null,
                      "created_at": "2026-11-23T14:03:07.930Z",
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
        },
        "delete": {
          "operationId": "deleteAnalysis",
          "tags": ["analyses"],
          "summary": "Cancel an open analysis, delete a finished one",
          "security": [{"token": []}, {"cookie": []}, {"key": []}],
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "description": "An analysis's id.",
              "schema": {"type": "string", "pattern": "^ana_[0-9a-z]{14}$"}
            }
          ],
          "responses": {"204": {"description": "Done; there is no body."}},
          "x-problems": [404, 409]
        }
      }
    }
    """#
}

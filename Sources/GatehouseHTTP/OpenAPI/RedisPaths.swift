extension OpenAPI {
  /// The paths of what Redis holds.
  static let redisPaths = #"""
    {
      "/v1/admin/redis/forget": {
        "post": {
          "operationId": "forgetRedis",
          "tags": ["admin"],
          "summary": "Believe nothing that Redis holds of users",
          "description": "After keys were restored, renamed or edited by hand: every user is read from the ledger again. Nobody is logged out, and rate windows stay. The ledger decides for about half a second.",
          "security": [{"key": []}],
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
                "example": {"reason": "a key was restored by hand"}
              }
            }
          },
          "responses": {"204": {"description": "Done."}}
        }
      }
    }
    """#
}

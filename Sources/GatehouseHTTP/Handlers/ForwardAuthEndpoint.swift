import StrictJSON

extension Endpoint {
  static let forwardAuth = Endpoint(
    nil, "/v1/auth/{profile}", "forwardAuth", .proxy, "Decide whether a proxy lets a request through",
    """
    A proxy asks this about each request, with any method and any path below this one. Body, query and conditional headers are ignored. \
    A refusal that has another status elsewhere is 403 here.
    """,
    access: .forwarded,
    [
      .path("profile", "A profile of the configuration; 503 for another.", .text(1...64).example("api")),
      .header(
        "X-Forwarded-Method",
        "The client's method, for the rule against cross-site requests. Without this field and Gatehouse-Method it counts as unsafe."),
      .header(ProxyField.method, "own: the client's method is that of this call."),
      .header(ProxyField.refuse, "403: for a proxy that can't pass 429 on. Gatehouse-Status still says 429."),
    ],
    answers: [
      Success(
        200, "Let it through with these fields. All of them are present; some may be empty.",
        headers: [
          ProxyField.user, ProxyField.externalID, ProxyField.plan, ProxyField.session,
          ProxyField.status,
        ] + Success.limits)
    ], problems: [.unknownProfile])
}

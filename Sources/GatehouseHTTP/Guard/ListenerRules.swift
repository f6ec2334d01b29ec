/// The rules that every connection of a listener goes by. An object that its connections share: ten thousand that are idle hold one.
final class ListenerRules: Sendable {
  let endpoints: RequestRules
  let limits: HTTPLimits
  let admission: AdmissionControl
  /// Asked for each answer of the guard's own.
  let crossOrigin: @Sendable () -> CrossOrigin
  let refusals: RefusalLog?
  /// Asked for each request that it may take; nil leaves it to its route.
  let fast: @Sendable () -> (any FastAnswers)?
  let orphans: OrphanedRequests

  init(
    _ endpoints: RequestRules, limits: HTTPLimits, admission: AdmissionControl, crossOrigin: @escaping @Sendable () -> CrossOrigin,
    refusals: RefusalLog?, fast: @escaping @Sendable () -> (any FastAnswers)?, orphans: OrphanedRequests
  ) {
    self.endpoints = endpoints
    self.limits = limits
    self.admission = admission
    self.crossOrigin = crossOrigin
    self.refusals = refusals
    self.fast = fast
    self.orphans = orphans
  }
}

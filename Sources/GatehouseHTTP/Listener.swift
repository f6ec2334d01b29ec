import HummingbirdCore
import NIOCore

/// An HTTP/1 listener: parser limits, our guard in front of Hummingbird, and connections in groups. Timers are the guard's, as
/// Hummingbird's own idle timeout would close busy connections. `crossOrigin` is asked for each answer of the guard's own.
/// - Parameters:
///   - rules: those of the endpoints that the listener serves.
///   - fast: asked for each request that it may take; without it every request goes to its route.
///   - orphans: counts the requests that `fast` has taken and that are left when their connection ends.
public func makeHTTP1(
  _ rules: RequestRules, limits: HTTPLimits = HTTPLimits(), admission: AdmissionControl = .open,
  crossOrigin: @escaping @Sendable () -> CrossOrigin = { CrossOrigin(origins: []) }, refusals: RefusalLog? = nil,
  fast: @escaping @Sendable () -> FastPath? = { nil }, orphans: OrphanedRequests = OrphanedRequests()
) -> HTTPServerBuilder {
  makeHTTP1(
    rules, limits: limits, admission: admission, crossOrigin: crossOrigin, refusals: refusals, answering: { fast() }, orphans: orphans)
}

func makeHTTP1(
  _ endpoints: RequestRules, limits: HTTPLimits, admission: AdmissionControl, crossOrigin: @escaping @Sendable () -> CrossOrigin,
  refusals: RefusalLog?, answering fast: @escaping @Sendable () -> (any FastAnswers)?, orphans: OrphanedRequests
) -> HTTPServerBuilder {
  let rules = ListenerRules(
    endpoints, limits: limits, admission: admission, crossOrigin: crossOrigin, refusals: refusals, fast: fast, orphans: orphans)
  let configuration = HTTP1Channel.Configuration(
    additionalChannelHandlers: [GuardInstaller()],
    idleTimeout: nil,
    httpDecoderConfiguration: .init(
      maxHeaderFieldSize: max(limits.fieldBytesMax, limits.uriBytesMax), maxHeaderListSize: limits.headerBytesMax,
      maxHeaderFieldCount: limits.fieldsMax))
  return HTTPServerBuilder { responder in
    // The client hears that the connection has ended; there is nobody to tell of an error.
    ConnectionGroups(HTTP1Channel(responder: responder, configuration: configuration), rules) {
      try? await $0.executeThenClose { _, _ in }
    }
  }
}

import GatehouseCore
import GatehouseCrypto
import NIOCore

/// The gate and forward-auth in the channel: the questions and answers of their routes without a task, a router and header dictionaries.
///
/// It reads a credential and a body that leave nothing to be said about them, and hands the question to the function that decides for
/// the route as well. A request that it can't read, or would have to refuse before it can ask, goes to its route: the fault is told there.
public final class FastPath: Sendable {
  private static let gatePath = Array(Endpoint.gate.path.utf8)
  private static let batchPath = Array(Endpoint.gateBatch.path.utf8)
  /// A batch that is longer is read and answered by its route, in a task: an event loop serves others as well.
  private static let batchBytesMax = 16_384
  private static let batchQuestionsMax = 64
  private static let authPrefix = Array(Endpoint.forwardAuth.prefix.utf8)

  private enum Question { case gate, batch, forwardAuth }

  private let api: API
  private let crossOrigin: CrossOrigin
  private let cookieName: [UInt8]

  /// Answers by `api`, as its routes do.
  public init(_ api: API) {
    self.api = api
    crossOrigin = CrossOrigin(origins: api.contract.allowedOrigins)
    cookieName = Array((api.contract.cookieName + "=").utf8)
  }

  private func kind(_ request: PlainRequest, _ bytes: UnsafeRawBufferPointer) -> Question? {
    let target = bytes[request.target]
    if target.starts(with: Self.authPrefix) { return request.method == .head ? nil : .forwardAuth }
    guard request.method == .post else { return nil }
    if target.elementsEqual(Self.gatePath) { return .gate }
    return target.elementsEqual(Self.batchPath) ? .batch : nil
  }
}

extension FastPath: FastAnswers {
  func bodyMax(_ request: PlainRequest, _ bytes: UnsafeRawBufferPointer) -> Int? {
    switch kind(request, bytes) {
    case .gate: Endpoint.gate.bodyCap.rawValue
    case .batch: Self.batchBytesMax
    // A proxy sends none.
    case .forwardAuth: 0
    case nil: nil
    }
  }

  func answer(
    _ plain: PlainRequest, _ bytes: UnsafeRawBufferPointer, peer: SocketAddress?, done: @escaping @Sendable (FastAnswer) -> Void
  ) -> Bool {
    let request = FastRequest(plain: plain, bytes: bytes)
    switch kind(plain, bytes) {
    case .gate: return gate(request, peer, done)
    case .batch: return batch(request, peer, done)
    case .forwardAuth: return forwardAuth(request, peer, done)
    case nil: return false
    }
  }

  // MARK: POST /v1/gate

  private func gate(_ request: FastRequest, _ peer: SocketAddress?, _ done: @escaping @Sendable (FastAnswer) -> Void) -> Bool {
    guard request.isJSON, api.keys.areFresh, let key = serviceKey(request), let call = call(request) else { return false }
    let asked = RefusalLog.Asked(
      requestID: RequestID.taken(request.text(request.plain.fields.requestID)), method: "POST", path: Endpoint.gate.path, peer: peer)
    let origin = crossOrigin.isOn ? request.text(request.plain.fields.origin) : nil
    api.decide(call, key: key, asked) { [self] result in
      let answer: Answer
      switch result {
      case .success(let decided): answer = decided
      case .failure(let problem):
        api.refusals.note(problem, asked, .init(key: key.text))
        answer = problem.answer(requestID: asked.requestID)
      }
      done(answer.encoded(requestID: asked.requestID, origin: origin, crossOrigin))
    }
    return true
  }

  // MARK: POST /v1/gate/batch

  private func batch(_ request: FastRequest, _ peer: SocketAddress?, _ done: @escaping @Sendable (FastAnswer) -> Void) -> Bool {
    guard request.isJSON, api.keys.areFresh, let key = serviceKey(request), var fields = try? FieldReader(body: Array(request.body)) else {
      return false
    }
    let questions = fields.read(BatchFields.declared.fields.requests)
    do { try fields.finish() } catch { return false }
    guard questions.count <= Self.batchQuestionsMax else { return false }
    let asked = RefusalLog.Asked(
      requestID: RequestID.taken(request.text(request.plain.fields.requestID)), method: "POST", path: Endpoint.gateBatch.path, peer: peer)
    let origin = crossOrigin.isOn ? request.text(request.plain.fields.origin) : nil
    let batch = BatchQuestions(questions, api, key: key, asked)
    api.gate.decideAll(batch.requests) { [self] replies in
      done(batch.answer(replies).encoded(requestID: asked.requestID, origin: origin, crossOrigin))
    }
    return true
  }

  /// The question of a body that has no fault; nil for any other.
  private func call(_ request: FastRequest) -> GateCall? {
    guard var fields = try? FieldReader(body: Array(request.body)) else { return nil }
    let call = api.gateCall(&fields, reserves: true)
    do { try fields.finish() } catch { return nil }
    return call
  }

  /// The key whose token the request brings, if it may ask the gate.
  private func serviceKey(_ request: FastRequest) -> ServiceKeyID? {
    guard let text = request.bearer, request.cookies(cookieName).count == 0 else { return nil }
    if let key = api.keys.known(text, scope: .gate) { return key }
    guard let token = ServiceKeyToken.parse(text), let key = try? api.keys.check(token), key.scopes.contains(.gate) else { return nil }
    api.keys.remember(token)
    return key.id
  }

  // MARK: /v1/auth/{profile}

  private func forwardAuth(_ request: FastRequest, _ peer: SocketAddress?, _ done: @escaping @Sendable (FastAnswer) -> Void) -> Bool {
    let path = request.path
    let name = UnsafeRawBufferPointer(rebasing: path.dropFirst(Self.authPrefix.count).prefix { $0 != UInt8(ascii: "/") })
    guard !name.contains(UInt8(ascii: "%")), let profile = api.profile(String(decoding: name, as: UTF8.self)),
      let token = sessionToken(request)
    else { return false }
    let charges = api.charges(of: profile)
    var network: String?
    if !charges.byAddress.isEmpty || !request.hasPlainClient {
      // The route tells the log of a client that can't be read.
      let client = Client(api.contract.trustedProxies.client(of: peer, forwardedFor: request.text(request.plain.fields.forwardedFor) ?? ""))
      guard !client.isUnknown else { return false }
      network = client.network
    }
    let requestID = RequestID.taken(request.text(request.plain.fields.requestID))
    let origin = crossOrigin.isOn ? request.text(request.plain.fields.origin) : nil
    // Only a refusal needs these, and the bytes are gone by then.
    let told = RefusedRequest(
      method: request.methodText, path: String(decoding: path, as: UTF8.self), refuse: request.text(request.plain.fields.refuse), peer: peer
    )
    api.decide(forwarded: api.question(of: token, profile, charges, network: network)) { [self] outcome in
      switch outcome {
      case .allowed(let answer):
        var bytes = AnswerBytes(status: 200)
        for (name, value) in ForwardAuth.fields(answer) { bytes.field(name, encoding: value) }
        done(bytes.ended(body: [], requestID: requestID, origin: origin, crossOrigin))
      case .refused(let problem, let facts):
        api.refusals.note(problem, .init(requestID: requestID, method: told.method, path: told.path, peer: told.peer), facts)
        let answer = ProxyAnswer.refused(problem, refuse: told.refuse, requestID: requestID)
        done(answer.encoded(requestID: requestID, origin: origin, crossOrigin))
      }
    }
    return true
  }

  private struct RefusedRequest: Sendable {
    let method: String
    let path: String
    let refuse: String?
    let peer: SocketAddress?
  }

  /// The session's token; nil if there is not just one of ours, or where the rule against other sites has to be looked at more closely.
  private func sessionToken(_ request: FastRequest) -> SessionToken? {
    let cookies = request.cookies(cookieName)
    if let text = request.bearer { return cookies.count == 0 ? SessionToken.parse(text, secret: api.secret) : nil }
    guard request.plain.fields.authorization == nil, cookies.count == 1, let text = cookies.first, request.isMeant else { return nil }
    return SessionToken.parse(text, secret: api.secret)
  }
}

import GatehouseCore
import HTTPTypes
import Hummingbird
import NIOCore
import StrictJSON

/// Where a request comes from.
struct Client: Sendable {
  /// The address as text; nil for a Unix socket, and where no proxy told one that can be read.
  let text: String?
  /// Whom address policies count.
  let network: String

  init(_ address: ClientAddress) {
    switch address {
    case .address(let address): (text, network) = (address.description, address.network)
    case .local: (text, network) = (nil, "local")
    case .unknown: (text, network) = (nil, Subject.unknownNetwork)
    }
  }

  var isUnknown: Bool { network == Subject.unknownNetwork }
}

/// What a backend says of the user for whom it calls.
enum OnBehalf {
  static let address = "Gatehouse-Client-IP"
  static let userAgent = "Gatehouse-Client-User-Agent"
  static let fields = [address, userAgent]
  /// The backend's key, where `Authorization` or the cookie holds a session's token.
  static let key = "Gatehouse-Key"

  /// The value of a field; nil without it.
  static func value(_ field: String, _ request: Request) -> String? { HTTPField.Name(field).flatMap { request.headers[$0] } }

  /// Refuses a request without a backend's key that has one of the fields: its sender would believe that it counts. Throws 403
  /// `scope_missing`.
  static func refuse(_ request: Request) throws {
    guard let told = fields.first(where: { value($0, request) != nil }) else { return }
    throw Problem(
      .scopeMissing, "\(told) is for an app's backend: send a service key with scope accounts along, beside a session in \(key).",
      extras: ["scope": .string(ServiceKey.Scope.accounts.rawValue)])
  }
}

extension API {
  /// The client of a request. With a key `accounts` the backend says who it is; else the right-most hop that no trusted proxy made.
  /// Throws 403 `scope_missing` when somebody without the key says it.
  func client(_ request: Request, _ context: GatehouseContext, key: ServiceKey?) throws -> Client {
    if key == nil { try OnBehalf.refuse(request) }
    if let told = OnBehalf.value(OnBehalf.address, request) {
      guard let address = IPAddress(told) else { throw Problem.malformed("\(OnBehalf.address) must be one IP address.") }
      return Client(.address(address))
    }
    return client(request, context)
  }

  /// The client as the proxies tell it. One that they name in a form that can't be read is told to the log.
  func client(_ request: Request, _ context: GatehouseContext) -> Client {
    let found = contract.trustedProxies.client(of: context.remoteAddress, request.headers)
    if case .unknown(let hop) = found { contract.trustedProxies.faults.note(hop, peer: context.remoteAddress, context.log) }
    return Client(found)
  }

  /// A short, printable form of the client's User-Agent. With a key `accounts` it is the one that the backend passes on.
  func userAgent(_ request: Request, key: ServiceKey?) -> String? {
    let told = key == nil ? nil : OnBehalf.value(OnBehalf.userAgent, request)
    return (told ?? request.headers[.userAgent]).flatMap(ShortAgent.text)
  }
}

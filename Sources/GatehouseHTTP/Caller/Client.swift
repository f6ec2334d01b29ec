import GatehouseCore
import HTTPTypes
import Hummingbird
import NIOCore
import StrictJSON

/// Where a request comes from.
struct Client: Sendable {
  /// The address as text; nil for a Unix socket, and where no proxy told one that can be read.
  let text: String?
  /// The network that address policies count.
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

/// The header fields in which a backend names the user for whom it calls.
enum OnBehalf {
  static let address = "Gatehouse-Client-IP"
  static let userAgent = "Gatehouse-Client-User-Agent"
  static let fields = [address, userAgent]
  /// The backend's key, where `Authorization` or the cookie holds a session's token.
  static let key = "Gatehouse-Key"

  /// The parameters of an endpoint that believes a backend.
  static let parameters = [addressParameter, userAgentParameter]
  static let addressParameter = Parameter.header(
    address,
    "The address of the client for whom a backend asks. It needs a key of scope accounts, in Authorization or in Gatehouse-Key; else 403.",
    .anyOf([Schema(["type": "string", "format": "ipv4"]), Schema(["type": "string", "format": "ipv6"])]))
  private static let userAgentParameter = Parameter.header(
    userAgent, "The User-Agent of the client for whom a backend asks. It needs the same key as Gatehouse-Client-IP.")

  /// The value of a field; nil without it.
  static func value(_ field: String, _ request: Request) -> String? { names[field].flatMap { request.headers[$0] } }

  private static let names = [String: HTTPField.Name](
    uniqueKeysWithValues: fields.compactMap { field in HTTPField.Name(field).map { (field, $0) } })
  static let keyName = HTTPField.Name(key)

  /// Refuses a request without a backend's key that has one of the fields: its sender would believe that it counts. Throws 403
  /// `scope_missing`.
  static func refuse(_ request: Request) throws {
    guard let told = fields.first(where: { value($0, request) != nil }) else { return }
    throw Problem(
      .scopeMissing, "\(told) is for an app's backend: send a service key with scope accounts along, beside a session in \(key).",
      extras: ["scope": .string(ServiceKey.Scope.accounts.rawValue)])
  }
}

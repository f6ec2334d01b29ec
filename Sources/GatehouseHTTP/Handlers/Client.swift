import GatehouseCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Where a request comes from.
struct Client: Sendable {
  /// The address as text; nil for a Unix socket.
  let text: String?
  /// Whom address policies count.
  let network: String

  init(_ address: IPAddress?) {
    text = address?.description
    network = address?.network ?? "local"
  }
}

extension API {
  /// The client of a request. With a key `accounts` the backend says who it is; else the right-most hop that no trusted proxy made.
  func client(_ request: Request, _ context: GatehouseContext, key: ServiceKey?) throws -> Client {
    if key != nil, let name = HTTPField.Name("Gatehouse-Client-IP"), let told = request.headers[name] {
      guard let address = IPAddress(told) else { throw Problem.malformed("Gatehouse-Client-IP must be one IP address.") }
      return Client(address)
    }
    return Client(contract.trustedProxies.client(of: context.remoteAddress, request.headers))
  }

  /// A short, printable form of the client's User-Agent. With a key `accounts` it is the one that the backend passes on.
  func userAgent(_ request: Request, key: ServiceKey?) -> String? {
    let told = key == nil ? nil : HTTPField.Name("Gatehouse-Client-User-Agent").flatMap { request.headers[$0] }
    return (told ?? request.headers[.userAgent]).flatMap(ShortAgent.text)
  }
}

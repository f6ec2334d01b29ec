import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

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

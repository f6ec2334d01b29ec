import NIOHTTP1
import Synchronization

/// Who is turned away before a handler runs, since what the request needs has no room: for little more than reading it, and without
/// taking the connection away, whose new one would cost more.
public final class Door: Sendable {
  /// Lets everybody in.
  public static let open = Door(placesMax: .max) { false }

  enum Answer {
    /// Lets the request in; the visit, if it is one, lasts until it is let go of.
    case letsIn(Visit?)
    case turnsAway(Problem)
  }

  /// A request that brings a password, from the door to the end of its answer.
  final class Visit: Sendable {
    private let door: Door

    fileprivate init(to door: Door) {
      self.door = door
      door.inside.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { door.inside.wrappingSubtract(1, ordering: .relaxed) }
  }

  private let placesMax: Int
  private let hashingIsFull: @Sendable () -> Bool
  private let inside = Atomic(0)

  /// Turns away what brings a password while `placesMax` such requests are inside, or as many wait for its hashing as may. A request
  /// reaches its hashing only after others that came at once: those that would find it full then must not get in now.
  public init(placesMax: Int, hashingIsFull: @escaping @Sendable () -> Bool) {
    self.placesMax = placesMax
    self.hashingIsFull = hashingIsFull
  }

  func ask(_ method: HTTPMethod, _ path: Substring) -> Answer {
    guard method == .POST, path == "/v1/sessions" || path == "/v1/users" else { return .letsIn(nil) }
    let visit = Visit(to: self)
    guard inside.load(ordering: .relaxed) <= placesMax, !hashingIsFull() else {
      return .turnsAway(Problem(.overloaded, "Too many logins are waiting. Try again in a moment."))
    }
    return .letsIn(visit)
  }
}

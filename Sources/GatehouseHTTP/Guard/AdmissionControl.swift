import GatehouseCore
import Synchronization

/// Refuses a request before a handler runs when what it needs has no room: for little more than reading it, and without ending the
/// connection, since a new one would cost more.
public final class AdmissionControl: Sendable {
  /// Admits every request.
  public static let open = AdmissionControl(slotsMax: .max) { false }

  enum Admittance {
    /// The request is admitted; its slot, if it needs one, is taken until it is let go of.
    case admitted(Slot?)
    case refused(Problem)
  }

  /// The slot of a password request, from its admission to the end of its answer.
  final class Slot: Sendable {
    private let control: AdmissionControl

    fileprivate init(of control: AdmissionControl) {
      self.control = control
      control.taken.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { control.taken.wrappingSubtract(1, ordering: .relaxed) }
  }

  private let slotsMax: Int
  private let hashingIsFull: @Sendable () -> Bool
  private let taken = Atomic(0)

  /// Refuses password requests while `slotsMax` of them are admitted, or as many wait for their hashing as may. A request reaches its
  /// hashing only after others that came at once: those that would find it full then must not be admitted now.
  public init(slotsMax: Int, hashingIsFull: @escaping @Sendable () -> Bool) {
    self.slotsMax = slotsMax
    self.hashingIsFull = hashingIsFull
  }

  func admit(_ admission: Endpoint.Admission) -> Admittance {
    guard admission == .hashingSlot else { return .admitted(nil) }
    let slot = Slot(of: self)
    guard taken.load(ordering: .relaxed) <= slotsMax, !hashingIsFull() else {
      return .refused(Problem(.overloaded, Passwords.tooManyDetail))
    }
    return .admitted(slot)
  }
}

/// The length of a day without a change of clocks.
public enum Day {
  /// A day in seconds.
  public static let seconds: Int64 = 86_400
  /// A day in milliseconds.
  public static let milliseconds = seconds * 1000
}
